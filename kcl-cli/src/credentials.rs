//! Parses the settings `credentials`, and makes the AWS SDK's providers of them.
//!
//! A setting lists [`Origins`], separated by commas. The provider asks them in that order, and the
//! first that has credentials counts.

mod http;
mod role;

use std::{fmt, str::FromStr};

use aws_config::{
    Region, default_provider::credentials::DefaultCredentialsChain, ecs::EcsCredentialsProvider,
    environment::EnvironmentVariableCredentialsProvider,
    imds::credentials::ImdsCredentialsProvider, meta::credentials::CredentialsProviderChain,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
    web_identity_token::WebIdentityTokenCredentialsProvider,
};
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, future::ProvideCredentials as Provided,
};
use tokio::sync::OnceCell;

pub(crate) use self::http::http_client;
use self::role::Role;

/// Where to look for credentials, in order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origins(Vec<Origin>);

/// A place of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    /// The SDK's own chain.
    Default,
    /// The variables `AWS_ACCESS_KEY_ID` and so on.
    Environment,
    /// The metadata service of an EC2 instance.
    Instance,
    /// The endpoint of ECS, or of EKS Pod Identity.
    Container,
    /// A token file, as for roles of Kubernetes service accounts (IRSA).
    WebIdentity,
    /// A profile of the AWS files; `None` is the default one.
    Profile(Option<String>),
    /// A role.
    AssumeRole(Role),
}

/// A text that names no origin of credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no credentials: expected default, environment, instance, container, web-identity, \
     profile/NAME or assume-role/ARN?session=NAME (&external_id=ID, &region=REGION), or several of \
     them by commas"
)]
pub(crate) struct UnknownOrigin(String);

impl FromStr for Origins {
    type Err = UnknownOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Origin {
    type Err = UnknownOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownOrigin(text.to_owned());
        let (kind, rest) = text.split_once('/').map_or((text, None), |(kind, it)| (kind, Some(it)));
        Ok(match (kind, rest) {
            ("default", None) => Self::Default,
            ("environment", None) => Self::Environment,
            ("instance", None) => Self::Instance,
            ("container", None) => Self::Container,
            ("web-identity", None) => Self::WebIdentity,
            ("profile", None) => Self::Profile(None),
            ("profile", Some(name)) if !name.is_empty() && !name.contains('?') => {
                Self::Profile(Some(name.to_owned()))
            }
            ("assume-role", Some(role)) => Self::AssumeRole(Role::of(role).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        })
    }
}

impl Origins {
    /// A provider. It looks for credentials when the SDK first asks for them. `None` if the origins
    /// are just the SDK's own chain. `region` is the region of the services that it calls; without
    /// one it takes the environment's.
    pub(crate) fn provider(self, region: Option<String>) -> Option<SharedCredentialsProvider> {
        if self.0 == [Origin::Default] {
            return None;
        }
        let chain = Chain { origins: self.0, region, inner: OnceCell::new() };
        Some(SharedCredentialsProvider::new(chain))
    }
}

/// The provider of several origins. It is made at the first use, because that is asynchronous.
struct Chain {
    origins: Vec<Origin>,
    region: Option<String>,
    inner: OnceCell<CredentialsProviderChain>,
}

impl Chain {
    /// The provider that asks the origins in their order.
    async fn make(&self) -> CredentialsProviderChain {
        // The client comes first: to find the region may need a call, too.
        let config = ProviderConfig::without_region().with_http_client(http_client());
        let config = match &self.region {
            Some(region) => config.with_region(Some(Region::new(region.clone()))),
            None => config.load_default_region().await,
        };
        let region = self.region.as_deref();
        let mut origins = self.origins.iter();
        let (name, first) =
            origins.next().unwrap_or(&Origin::Default).provider(&config, region).await;
        let mut chain = CredentialsProviderChain::first_try(name, first);
        for origin in origins {
            let (name, provider) = origin.provider(&config, region).await;
            chain = chain.or_else(name, provider);
        }
        chain
    }
}

impl Origin {
    async fn provider(
        &self,
        config: &ProviderConfig,
        region: Option<&str>,
    ) -> (&'static str, SharedCredentialsProvider) {
        let shared = SharedCredentialsProvider::new;
        match self {
            Self::Default => {
                let chain = DefaultCredentialsChain::builder().configure(config.clone());
                ("Default", SharedCredentialsProvider::new(chain.build().await))
            }
            Self::Environment => {
                ("Environment", shared(EnvironmentVariableCredentialsProvider::new()))
            }
            Self::Instance => {
                let builder = ImdsCredentialsProvider::builder().configure(config);
                ("Instance", SharedCredentialsProvider::new(builder.build()))
            }
            Self::Container => {
                let builder = EcsCredentialsProvider::builder().configure(config);
                ("Container", SharedCredentialsProvider::new(builder.build()))
            }
            Self::WebIdentity => {
                let builder = WebIdentityTokenCredentialsProvider::builder().configure(config);
                ("WebIdentity", SharedCredentialsProvider::new(builder.build()))
            }
            Self::Profile(name) => {
                let mut builder = ProfileFileCredentialsProvider::builder().configure(config);
                if let Some(name) = name {
                    builder = builder.profile_name(name);
                }
                ("Profile", SharedCredentialsProvider::new(builder.build()))
            }
            Self::AssumeRole(role) => (
                "AssumeRole",
                SharedCredentialsProvider::new(role.provider(region, http_client()).await),
            ),
        }
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            self.inner.get_or_init(|| self.make()).await.provide_credentials().await
        })
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.origins).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_and_what_is_none_is_refused_with_the_list() {
        let read = |text: &str| text.parse::<Origins>().map(|it| it.0);
        assert_eq!(read("environment, instance"), Ok(vec![Origin::Environment, Origin::Instance]));
        assert_eq!(read("profile/orders"), Ok(vec![Origin::Profile(Some("orders".into()))]));
        let arn = "arn:aws:iam::123456789012:role/path/reader";
        let role = Role {
            arn: arn.to_owned(),
            session: Some("me".to_owned()),
            external_id: Some("x".to_owned()),
            region: Some("eu-west-1".to_owned()),
        };
        let text = format!("assume-role/{arn}?session=me&external_id=x&region=eu-west-1");
        assert_eq!(read(&text), Ok(vec![Origin::AssumeRole(role)]));
        for wrong in ["", "keys", "profile/", "assume-role", "assume-role/a?b=c", "a,", "default/x"]
        {
            let refused = read(wrong).unwrap_err().to_string();
            assert!(refused.contains("web-identity"), "{refused}");
        }
        assert!("default".parse::<Origins>().unwrap().provider(None).is_none());
        assert!("profile".parse::<Origins>().unwrap().provider(None).is_some());
    }

    #[tokio::test]
    async fn the_first_that_has_any_counts() {
        let chain: Origins = "profile/that-is-nowhere, environment".parse().unwrap();
        let provider = chain.provider(Some("us-east-1".to_owned())).unwrap();
        // The environment of the test may have credentials: then there is no error.
        if let Err(error) = provider.provide_credentials().await {
            assert!(error.to_string().contains("not enabled"), "{error}");
        }
    }
}
