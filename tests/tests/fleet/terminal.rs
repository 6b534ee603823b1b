//! `kcl leases watch` on a pseudo-terminal: keys go in, a screen comes out, and the terminal is as
//! it was in the end.

use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};
use kcl_tests::fleet::{Launch, Process, Signal};
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use super::stage::{self, KCL, Servers, Stage, pause};

/// How long a screen may take, in looks of 50 ms.
const LOOKS: usize = 400;

/// A terminal, and a command on it.
struct Screen {
    keys: File,
    /// The end that the command has, too.
    terminal: File,
    written: Arc<Mutex<Vec<u8>>>,
    process: Process,
}

impl Screen {
    fn of(stage: &Stage, words: &[&str]) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let name = name.to_str().context("the terminal's name")?;
        let terminal = File::options().read(true).write(true).open(name)?;
        let size = Winsize { ws_row: 30, ws_col: 110, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size)?;
        let launch = &stage.fleet.launch;
        let mut command = Launch::command(KCL.as_ref());
        command.args(words).args(["--region", "us-east-1", "--app", &launch.application]);
        command.args(["--store", &launch.store(), "--dynamodb-endpoint", &launch.dynamodb]);
        command.args(["--kinesis-endpoint", &launch.kinesis]);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.stdin(Stdio::from(terminal.try_clone()?));
        command.stdout(Stdio::from(terminal.try_clone()?));
        command.stderr(Stdio::from(terminal.try_clone()?));
        let process = Process::spawn(&mut command)?;
        let keys = File::from(master);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (keys.try_clone()?, Arc::clone(&written));
        let read = move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
                to.extend_from_slice(&bytes[..count]);
            }
        };
        std::thread::Builder::new().name("screen".to_owned()).spawn(read)?;
        Ok(Self { keys, terminal, written, process })
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        Ok(self.keys.write_all(keys.as_bytes())?)
    }

    fn all(&self) -> String {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&written).into_owned()
    }

    /// What the screen shows: the last frame that was written, without colours.
    fn shown(&self) -> String {
        let all = self.all();
        let frames = all.rsplit("\x1b[1;1H");
        let whole = frames.into_iter().find(|frame| frame.contains("\x1b[?2026l"));
        without_escapes(whole.unwrap_or_default())
    }

    async fn until(&self, what: &str) -> Result<()> {
        for _ in 0..LOOKS {
            if self.shown().contains(what) {
                return Ok(());
            }
            pause(50).await;
        }
        bail!("the screen does not show {what:?}:\n{}", self.shown())
    }

    /// Fails unless the command ended well, and the terminal is as it was.
    async fn ends(mut self) -> Result<()> {
        let status = stage::ended(&mut self.process).await?;
        ensure!(status.success(), "{status}: {}", self.all());
        pause(100).await;
        let all = self.all();
        let last = all.rsplit("\x1b[?1049h").next().unwrap_or_default();
        ensure!(last.contains("\x1b[?1049l"), "the other screen is left");
        ensure!(last.contains("\x1b[?25h"), "the cursor is back");
        let modes = tcgetattr(&self.terminal)?.local_modes;
        ensure!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
        Ok(())
    }
}

fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '\x1b' {
            plain.push(letter);
            continue;
        }
        // Up to the letter that ends it.
        let _ = rest.by_ref().skip(1).find(char::is_ascii_alphabetic);
    }
    plain
}

const WATCH: [&str; 4] = ["leases", "watch", "--every", "0.5"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_watched_sorted_filtered_and_pinned_and_the_terminal_is_as_it_was() -> Result<()>
{
    let mut stage = Stage::new(Servers::InProcess, "terminal", 3).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 1]).await?;
    let mut screen = Screen::of(&stage, &WATCH)?;
    screen.until("2 workers live, 3 leases, all read").await?;
    screen.until("3 of them by shard").await?;
    screen.press("s")?;
    screen.until("3 of them by owner").await?;
    screen.press("/000001\r")?;
    screen.until("1 of them by owner, with \"000001\"").await?;

    // The shard is pinned to the worker that does not read it.
    let leases = stage.fleet.leases().await;
    let second = "shardId-000000000001";
    let row = leases.iter().find(|row| row.key.shard().is_some_and(|it| it.as_str() == second));
    let owner = row.and_then(|row| row.owner.clone()).context("it is read")?.worker;
    let to = if owner.as_str() == "a" { "b" } else { "a" };
    screen.press("j")?;
    screen.until(&format!("> {second}")).await?;
    screen.press("p")?;
    screen.until("is to prefer which worker?").await?;
    screen.press(&format!("\x7f{to}\r"))?;
    screen.until("change the placement rules? [y/n]").await?;
    screen.until("leases would move").await?;
    screen.press("y")?;
    screen.until("it is written").await?;
    screen.until(" MOVES").await?;
    screen.until(&format!("→ {to}")).await?;
    screen.press("q")?;
    screen.ends().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_sigterm_leave_the_terminal_as_it_was() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "terminal-signals", 1).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    let mut interrupted = Screen::of(&stage, &WATCH)?;
    interrupted.until("1 workers live").await?;
    interrupted.press("\x03")?;
    interrupted.ends().await?;
    let mut terminated = Screen::of(&stage, &WATCH)?;
    terminated.until("1 workers live").await?;
    terminated.process.signal(Signal::TERM)?;
    terminated.ends().await
}
