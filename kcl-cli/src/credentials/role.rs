//! A role that the credentials which the SDK finds assume, by STS.

use std::error::Error as StdError;

use aws_config::{BehaviorVersion, Region, sts::AssumeRoleProvider};
use aws_credential_types::provider::{
    ProvideCredentials, error::CredentialsError, future::ProvideCredentials as Provided,
};
use aws_sdk_kinesis::config::{SharedHttpClient, http::HttpResponse};
use aws_sdk_sts::{
    error::{ProvideErrorMetadata, SdkError},
    operation::assume_role::AssumeRoleError,
};

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    /// The session's name; `None` means `kcl`.
    pub(super) session: Option<String>,
    pub(super) external_id: Option<String>,
    /// The region of the STS that is called; `None` means that of the settings or the environment.
    pub(super) region: Option<String>,
}

impl Role {
    /// Reads `ARN?session=NAME&external_id=ID&region=REGION`; `None` if it is something else.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (arn, more) = text.split_once('?').unwrap_or((text, ""));
        let mut role = Self { arn: arn.to_owned(), ..Self::default() };
        for (name, value) in form_urlencoded::parse(more.as_bytes()) {
            let field = match &*name {
                "session" => &mut role.session,
                "external_id" => &mut role.external_id,
                "region" => &mut role.region,
                _ => return None,
            };
            *field = Some(value.into_owned());
        }
        (!role.arn.is_empty()).then_some(role)
    }

    /// A provider that asks STS for credentials of the role, by this client.
    pub(super) async fn provider(
        &self,
        region: Option<&str>,
        http: SharedHttpClient,
    ) -> RoleProvider {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let session = self.session.as_deref().unwrap_or("kcl");
        let mut builder = AssumeRoleProvider::builder(&self.arn)
            .session_name(session)
            .configure(&loader.load().await);
        if let Some(id) = &self.external_id {
            builder = builder.external_id(id);
        }
        if let Some(region) = &self.region {
            builder = builder.region(Region::new(region.clone()));
        }
        RoleProvider { arn: self.arn.clone(), inner: builder.build().await }
    }
}

/// Asks STS for credentials of a role. Where there are none, its error names the role and what STS
/// says: that of the SDK is a dump of the answer.
#[derive(Debug)]
pub(super) struct RoleProvider {
    arn: String,
    inner: AssumeRoleProvider,
}

/// A role was not assumed.
#[derive(Debug, thiserror::Error)]
#[error("the role {arn} cannot be assumed: {why}")]
struct NotAssumed {
    arn: String,
    why: String,
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            let provided = self.inner.provide_credentials().await;
            provided.map_err(|error| not_assumed(&self.arn, &error))
        })
    }
}

/// What is refused stays refused until somebody changes it: whoever starts is told, and does not
/// wait. An STS that is out, or asks to slow down, is asked again.
fn not_assumed(arn: &str, error: &CredentialsError) -> CredentialsError {
    let failed = |why: String| NotAssumed { arn: arn.to_owned(), why };
    let cause = error.source();
    let refused = cause.and_then(<dyn StdError>::downcast_ref).and_then(refusal);
    if let Some((status, why)) = refused {
        let is_final = matches!(status, 400..=499 if status != 429) && !why.contains("Throttl");
        return match is_final {
            true => CredentialsError::invalid_configuration(failed(why)),
            false => CredentialsError::provider_error(failed(why)),
        };
    }
    let mut causes = std::iter::successors(cause, |&error| error.source());
    let is_bare = causes.any(|cause| {
        let inner = cause.downcast_ref();
        matches!(inner, Some(CredentialsError::CredentialsNotLoaded(_)))
    });
    match is_bare {
        true => CredentialsError::invalid_configuration(failed(
            "there are no credentials to ask for it with".to_owned(),
        )),
        false => CredentialsError::provider_error(failed(kcl_core::explain(error))),
    }
}

/// The status and the words with which STS refuses.
fn refusal(error: &SdkError<AssumeRoleError, HttpResponse>) -> Option<(u16, String)> {
    let (said, answer) = (error.as_service_error()?, error.raw_response()?);
    let status = answer.status().as_u16();
    let body = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let code = said.code().or_else(|| between(&body, "Code")).unwrap_or("an error without code");
    let message = said.message().or_else(|| between(&body, "Message")).unwrap_or("no message");
    Some((status, format!("{code}: {message} (status {status})")))
}

/// The text of the first element of this name. Servers that take the place of STS wrap the two
/// that count in another way than the SDK expects.
fn between<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/reader";

    fn refused(status: u16, body: &'static str) -> CredentialsError {
        let status = StatusCode::try_from(status).unwrap();
        let answer = HttpResponse::new(status, SdkBody::from(body));
        let error = AssumeRoleError::unhandled("?");
        not_assumed(ARN, &CredentialsError::provider_error(SdkError::service_error(error, answer)))
    }

    #[test]
    fn a_refusal_names_the_role_and_what_sts_says() {
        let said = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>\
                    User: w is not authorized to perform: sts:AssumeRole</Message></Error>\
                    </ErrorResponse>";
        let error = refused(403, said);
        assert!(matches!(error, CredentialsError::InvalidConfiguration(_)), "{error:?}");
        let shown = kcl_core::explain(&error);
        for part in [ARN, "AccessDenied: User: w is not authorized", "status 403"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("SdkBody"), "{shown}");
    }

    #[test]
    fn what_may_pass_is_asked_again() {
        let throttled = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
        for (status, body) in [(503, ""), (429, ""), (400, throttled)] {
            let error = refused(status, body);
            assert!(matches!(error, CredentialsError::ProviderError(_)), "{status}: {error:?}");
        }
        let late = CredentialsError::provider_timed_out(std::time::Duration::from_secs(5));
        let error = not_assumed(ARN, &late);
        assert!(matches!(error, CredentialsError::ProviderError(_)), "{error:?}");
    }

    #[test]
    fn a_role_without_anybody_to_assume_it_says_so() {
        let none = CredentialsError::not_loaded("none");
        let error = SdkError::<AssumeRoleError, HttpResponse>::construction_failure(none);
        let error = not_assumed(ARN, &CredentialsError::provider_error(error));
        assert!(matches!(error, CredentialsError::InvalidConfiguration(_)), "{error:?}");
        assert!(kcl_core::explain(&error).contains("no credentials to ask"), "{error:?}");
    }
}
