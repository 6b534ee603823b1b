//! The arguments that name an application: which one, and where its leases are.

use clap::Args;

use crate::config::Config;

/// Which application, and where its leases are.
#[derive(Args, Clone, Debug, Default)]
pub struct ApplicationArgs {
    /// The consumer group [setting: consumer.application_name; APP_NAME].
    #[arg(long = "app", value_name = "NAME", global = true)]
    pub application: Option<String>,
    /// Where leases are kept: dynamodb, dynamodb://TABLE, postgres://…, redis://…
    /// [setting: store; KCL_STORE; default dynamodb].
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
}

impl ApplicationArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.application.is_some() {
            config.consumer.application_name.clone_from(&self.application);
        }
        if self.store.is_some() {
            config.store.clone_from(&self.store);
        }
        config
    }
}
