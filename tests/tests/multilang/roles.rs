//! The daemon's credentials by a role, from an STS and for a Kinesis that check each signature and
//! each policy.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kcl_tests::{kinesis::TestStream, servers::Moto};

use super::daemon::{Place, Properties};
use crate::fleet::stage::{Servers, run};

const NAME: &str = "multilang-role";

/// A key of a user.
struct Key {
    id: String,
    secret: String,
}

/// The text of an element.
fn element(xml: &str, name: &str) -> Result<String> {
    let rest = xml.split_once(&format!("<{name}>")).context("no such element")?.1;
    Ok(rest.split_once('<').context("no end")?.0.to_owned())
}

/// Calls IAM.
fn iam(moto: &Moto, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", "2010-05-08");
    Ok(moto.call("iam", &form.extend_pairs(parameters).finish())?)
}

fn policy(action: &str) -> String {
    let allow = serde_json::json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    serde_json::json!({"Version": "2012-10-17", "Statement": [allow]}).to_string()
}

/// A user who may do this alone.
fn user(moto: &Moto, name: &str, may: &str) -> Result<Key> {
    iam(moto, "CreateUser", &[("UserName", name)])?;
    let named = [("UserName", name), ("PolicyName", "may"), ("PolicyDocument", &policy(may))];
    iam(moto, "PutUserPolicy", &named)?;
    let made = iam(moto, "CreateAccessKey", &[("UserName", name)])?;
    Ok(Key { id: element(&made, "AccessKeyId")?, secret: element(&made, "SecretAccessKey")? })
}

/// A role that may read streams, and that this principal may assume.
fn role(moto: &Moto, name: &str, trusts: &str) -> Result<String> {
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": trusts}, "Action": "sts:AssumeRole"}
        ],
    });
    let trust = trust.to_string();
    let made = [("RoleName", name), ("AssumeRolePolicyDocument", &*trust)];
    let made = iam(moto, "CreateRole", &made)?;
    let may = policy("kinesis:*");
    iam(
        moto,
        "PutRolePolicy",
        &[("RoleName", name), ("PolicyName", "may"), ("PolicyDocument", &may)],
    )?;
    element(&made, "Arn")
}

/// The daemon's properties for a role, in the environment of a user.
fn place(moto: &Moto, role: &str) -> Result<Place> {
    let child = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/child/scripted.py");
    Place::new(&Properties {
        executable: format!("python3 {}", child.display()),
        application: NAME.to_owned(),
        stream: NAME.to_owned(),
        kinesis: moto.url(),
        dynamodb: Servers::InProcess.dynamodb().to_owned(),
        // The last of the same name counts.
        more: format!("AwsCredentialsProvider = StsAssumeRoleCredentialsProvider|{role}|orders"),
    })
}

fn as_user(mut command: std::process::Command, moto: &Moto, key: &Key) -> std::process::Command {
    command.env("AWS_ACCESS_KEY_ID", &key.id).env("AWS_SECRET_ACCESS_KEY", &key.secret);
    command.env("AWS_ENDPOINT_URL_STS", moto.url());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_reads_what_its_user_may_not_and_one_that_is_denied_is_named() -> Result<()> {
    let moto = Moto::start()?;
    let stream = TestStream::create(&moto.url(), NAME, 1).await?;
    stream.put("key", None, b"record").await?;
    let reader = role(&moto, "reader", "*")?;
    let others = role(&moto, "others", "arn:aws:iam::999999999999:root")?;
    let allowed = user(&moto, "allowed", "sts:AssumeRole")?;
    let denied = user(&moto, "denied", "sqs:ListQueues")?;
    let wrong = Key { id: allowed.id.clone(), secret: "wrong".to_owned() };
    moto.enforce()?;

    // Whoever may not assume it, the role that trusts somebody else, and a key that is wrong: the
    // start stops, in one message that names the role.
    for (role, key, says) in [
        (&reader, &denied, "not authorized to perform: sts:AssumeRole"),
        (&others, &allowed, "AccessDenied"),
        (&reader, &wrong, "SignatureDoesNotMatch"),
    ] {
        let output = run(as_user(place(&moto, role)?.command(&["--fresh"]), &moto, key)).await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{}: {said}", output.status);
        let message = said.rsplit_once("\nkcl: ").context("no message")?.1;
        ensure!(message.contains(role) && message.contains(says), "{says}: {said}");
        ensure!(!said.contains("SdkBody") && !said.contains(&key.secret), "{said}");
    }

    let place = place(&moto, &reader)?;
    let command = as_user(place.command(&["--fresh"]), &moto, &allowed);
    let mut daemon = place.start(command)?;
    let read = |said: &[super::transcript::Said]| {
        said.iter().flat_map(|it| it.records()).any(|it| it["data"] == "cmVjb3Jk")
    };
    daemon.until("the record", read).await?;
    let pid = u64::from(daemon.process.child().id());
    let status = daemon.terminate(pid).await?;
    ensure!(status.success(), "{status}: {}", daemon.log());
    Ok(())
}
