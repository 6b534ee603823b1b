//! Converts the credentials providers of the Java daemon, which are names of Java classes, into
//! the setting `aws.credentials`. Classes of both versions of the AWS SDK are known.

/// The accepted classes, for error messages.
const ACCEPTED: &str = "DefaultCredentialsProvider, EnvironmentVariableCredentialsProvider, \
    InstanceProfileCredentialsProvider, ContainerCredentialsProvider, \
    WebIdentityTokenFileCredentialsProvider, ProfileCredentialsProvider|NAME, \
    StsAssumeRoleCredentialsProvider|ARN|SESSION (with |externalId=ID and |endpointRegion=REGION \
    behind it), several of them by commas, and the names that these had in version 1 of the SDK";

/// The value of the setting for the text of a property, a list of providers with commas.
///
/// # Errors
/// The text names no provider, or one that this library does not have: the message lists those
/// that it has.
pub(super) fn credentials(text: &str) -> Result<String, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let chain = names.map(one).collect::<Result<Vec<String>, String>>()?;
    if chain.is_empty() {
        return Err(format!("no provider is named: expected {ACCEPTED}"));
    }
    Ok(chain.join(", "))
}

/// Converts one provider, with its arguments behind `|`. The package of the class does not count,
/// and neither do upper and lower case.
fn one(provider: &str) -> Result<String, String> {
    let mut parts = provider.split('|').map(str::trim);
    let class = parts.next().unwrap_or_default();
    let arguments: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let name = class.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let refused = |why: &str| Err(format!("{class}: {why}; expected {ACCEPTED}"));
    let plain = |setting: &str| match arguments.first() {
        None => Ok(setting.to_owned()),
        Some(_) => refused("it takes no arguments"),
    };
    match name.as_str() {
        "defaultcredentialsprovider" | "defaultawscredentialsproviderchain" => plain("default"),
        "environmentvariablecredentialsprovider" => plain("environment"),
        "instanceprofilecredentialsprovider" => plain("instance"),
        "containercredentialsprovider" | "ec2containercredentialsproviderwrapper" => {
            plain("container")
        }
        "webidentitytokenfilecredentialsprovider" | "webidentitytokencredentialsprovider" => {
            plain("web-identity")
        }
        "profilecredentialsprovider" => match arguments[..] {
            [] => Ok("profile".to_owned()),
            [profile] => Ok(format!("profile/{}", profile.trim_start_matches("profileName="))),
            _ => refused("it takes the name of one profile"),
        },
        "stsassumerolecredentialsprovider"
        | "stsassumerolesessioncredentialsprovider"
        | "kclstsassumerolecredentialsprovider"
        | "kclstsassumerolesessioncredentialsprovider" => assume(class, &arguments),
        "systempropertycredentialsprovider" | "systempropertiescredentialsprovider" => {
            refused("there is no JVM whose properties could hold keys: put them in the environment")
        }
        "processcredentialsprovider" => refused(
            "name a profile that has credential_process, by ProfileCredentialsProvider|NAME",
        ),
        "anonymouscredentialsprovider" | "anonymousawscredentials" => {
            refused("Kinesis takes no unsigned requests")
        }
        _ => refused("there is no such provider here, and a class of yours cannot be loaded"),
    }
}

/// Converts a provider that assumes a role.
fn assume(class: &str, arguments: &[&str]) -> Result<String, String> {
    let [role, session, more @ ..] = arguments else {
        return Err(format!("{class}: expected {class}|ARN|SESSION"));
    };
    let mut setting = format!("assume-role/{role}?session={session}");
    for argument in more {
        match argument.split_once('=') {
            Some(("externalId", id)) => setting.push_str(&format!("&external_id={id}")),
            Some(("endpointRegion", region)) => setting.push_str(&format!("&region={region}")),
            Some(("endpoint", _)) => {
                return Err(format!(
                    "{class}: endpoint is not taken here: set AWS_ENDPOINT_URL_STS, and \
                     endpointRegion=REGION"
                ));
            }
            _ => {
                return Err(format!(
                    "{class}: {argument} is not known: expected externalId=ID or \
                     endpointRegion=REGION"
                ));
            }
        }
    }
    Ok(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_of_both_versions_of_the_sdk_are_mapped() {
        let role = "arn:aws:iam::123456789012:role/reader";
        for (text, expected) in [
            ("DefaultAWSCredentialsProviderChain", "default".to_owned()),
            ("DefaultCredentialsProvider", "default".to_owned()),
            (
                "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
                "default".into(),
            ),
            (
                "EnvironmentVariableCredentialsProvider, InstanceProfileCredentialsProvider",
                "environment, instance".to_owned(),
            ),
            ("ProfileCredentialsProvider", "profile".to_owned()),
            ("ProfileCredentialsProvider|orders", "profile/orders".to_owned()),
            ("WebIdentityTokenFileCredentialsProvider", "web-identity".to_owned()),
            (
                &format!("STSAssumeRoleSessionCredentialsProvider|{role}|me"),
                format!("assume-role/{role}?session=me"),
            ),
            (
                &format!(
                    "KclStsAssumeRoleCredentialsProvider|{role}|me|externalId=x|\
                       endpointRegion=eu-west-1"
                ),
                format!("assume-role/{role}?session=me&external_id=x&region=eu-west-1"),
            ),
        ] {
            assert_eq!(credentials(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_list() {
        for text in [
            "",
            " , ",
            "com.example.Mine",
            "AnonymousCredentialsProvider",
            "SystemPropertiesCredentialsProvider",
            "ProfileCredentialsProvider|a|b",
        ] {
            let refused = credentials(text).unwrap_err();
            assert!(refused.contains("WebIdentityTokenFileCredentialsProvider"), "{refused}");
        }
        assert!(credentials("STSAssumeRoleSessionCredentialsProvider|arn").is_err());
        let endpoint = credentials("KclStsAssumeRoleCredentialsProvider|a|b|endpoint=x^y");
        assert!(endpoint.unwrap_err().contains("AWS_ENDPOINT_URL_STS"));
    }
}
