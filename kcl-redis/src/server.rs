//! Sends commands to the server, on three connections: beats, claims that wait for replicas, and
//! all others. So neither a `WAIT`, which blocks its connection, nor other work delays a beat.

use std::sync::Arc;

use kcl_core::store::{StoreErrorKind, StoreResult};
use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, cmd};

use crate::{
    durability::{Durability, Replicas},
    error::{Call, lost_its_role, wants_another_link},
    nodes::Nodes,
    reconnecting::{Connection, Reconnecting},
    script::Script,
};

/// The most attempts of one command. A command is sent again only if the server answered that it
/// did nothing: it does not know the script, or another node keeps the keys.
const MOST_ATTEMPTS: usize = 4;

/// The server, with one connection for each class of commands.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) replicas: Replicas,
    beats: Reconnecting,
    /// For claims that wait for replicas.
    claims: Reconnecting,
    others: Reconnecting,
}

/// The class of a command, which decides on its connection and on replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommandClass {
    /// A beat or a registration, on a connection of its own.
    Beat,
    /// A write that waits for replicas ([`Durability`]).
    Claim,
    Other,
}

/// A script with its arguments.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) script: &'static Script,
    pub(crate) keys: &'a [&'a str],
    pub(crate) arguments: &'a [&'a [u8]],
}

impl Server {
    pub(crate) fn new(nodes: Nodes, replicas: Replicas) -> Self {
        let (beats, claims, others) = Default::default();
        let nodes = Arc::new(nodes);
        Self { nodes, replicas, beats, claims, others }
    }

    /// Runs a script.
    pub(crate) async fn run(
        &self,
        call: &Call<'_>,
        weight: CommandClass,
        run: &Run<'_>,
    ) -> StoreResult<Value> {
        let replicas = if weight == CommandClass::Claim { self.replicas.wanted() } else { 0 };
        let lane = match weight {
            CommandClass::Beat => &self.beats,
            CommandClass::Claim if replicas > 0 => &self.claims,
            CommandClass::Claim | CommandClass::Other => &self.others,
        };
        let (answer, conn) = self.send(call, lane, |known| run.command(known)).await?;
        if replicas > 0 {
            self.wait_for(call, &conn, replicas).await?;
        }
        Ok(answer)
    }

    /// Sends a command that is no script.
    pub(crate) async fn ask(&self, call: &Call<'_>, command: &Cmd) -> StoreResult<Value> {
        Ok(self.send(call, &self.others, |_| command.clone()).await?.0)
    }

    /// Sends the command that `command` makes. Its argument says whether the server may know the
    /// script; false after the server has answered that it does not.
    async fn send(
        &self,
        call: &Call<'_>,
        lane: &Reconnecting,
        command: impl Fn(bool) -> Cmd,
    ) -> StoreResult<(Value, Arc<Connection>)> {
        for idle in [&self.beats, &self.claims, &self.others] {
            idle.let_go(&self.nodes);
        }
        let mut known = true;
        let mut attempts = 1;
        loop {
            let conn = lane
                .conn(&self.nodes)
                .await
                .map_err(|error| call.unreached(&error, self.nodes.connecting()))?;
            let answer: RedisResult<Value> = conn.send(&command(known)).await;
            let error = match answer {
                Ok(answer) => return Ok((answer, conn)),
                Err(error) => error,
            };
            self.judge(&conn, &error);
            match error.kind() {
                ErrorKind::Server(ServerErrorKind::NoScript) => known = false,
                ErrorKind::Server(ServerErrorKind::Moved) => {}
                _ => return Err(call.failed(&error)),
            }
            attempts += 1;
            if attempts > MOST_ATTEMPTS {
                return Err(call.failed(&error));
            }
        }
    }

    /// Drops the connection if the error shows that it is of no use any more; drops all connections
    /// if the error shows that the server is no longer the primary.
    fn judge(&self, conn: &Connection, error: &RedisError) {
        if wants_another_link(error) {
            conn.abandon();
        }
        if lost_its_role(error) {
            self.nodes.leave(conn.era(), &error.to_string());
        }
    }

    /// Waits until `wanted` replicas have the write.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unknown`] if too few confirm in time; with [`Durability::Auto`] only a
    /// warning.
    async fn wait_for(&self, call: &Call<'_>, conn: &Connection, wanted: usize) -> StoreResult<()> {
        let patience = self.replicas.patience;
        let why = match conn.replicate(wanted, patience.as_millis()).await {
            Ok(reached) if reached >= wanted => return Ok(()),
            Ok(reached) => format!("{reached} of {wanted} replicas confirmed within {patience:?}"),
            Err(error) => {
                self.judge(conn, &error);
                format!("replicas could not be waited for: {error}")
            }
        };
        if self.replicas.durability == Durability::Auto {
            // No claim waits again until the answer to a beat shows a replica that keeps up.
            self.replicas.note(0);
            tracing::warn!(op = call.op, row = call.row, why, "kcl.store.unreplicated");
            return Ok(());
        }
        Err(call.error(StoreErrorKind::Unknown, format!("written to the primary, but {why}")))
    }
}

impl Run<'_> {
    /// The command: with the script's hash if the server may know it, else with its text.
    fn command(&self, known: bool) -> Cmd {
        let mut command = if known {
            cmd("EVALSHA").arg(self.script.hash()).to_owned()
        } else {
            cmd("EVAL").arg(self.script.text).to_owned()
        };
        command.arg(self.keys.len()).arg(self.keys).arg(self.arguments);
        command
    }
}
