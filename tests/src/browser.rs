//! Chromium without a window, driven by its own protocol: pages as a person sees and uses them.
//!
//! The protocol's messages go through a pipe, so that neither a port nor a web socket is needed: a
//! shell hands the browser its own two ends of the pipe, as the numbers that the browser asks for.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a shell does with its input and output, so that they are what the browser speaks through.
const SPEAKING: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2";

/// A browser with one page, which ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    told: VecDeque<Value>,
    asked: u64,
    session: Option<String>,
    /// What went wrong on the page, as its console says.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one, with an empty page.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let profile = TempDir::with_prefix("kcl-browser-")?;
        let mut command = Command::new("sh");
        command.args(["-c", SPEAKING, "chromium-headless-shell", "--remote-debugging-pipe"]);
        // Whoever runs the tests as root has no other user to shut it in for.
        command.args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("chromium-headless-shell does not start")?;
        let to = child.stdin.take().context("no way to speak to it")?;
        let output = BufReader::new(child.stdout.take().context("no way to hear it")?);
        let (sender, from) = mpsc::channel();
        let hear = move || {
            let messages = output.split(0).map_while(Result::ok);
            let values = messages.filter_map(|text| serde_json::from_slice(&text).ok());
            values.for_each(|value: Value| drop(sender.send(value)));
        };
        std::thread::Builder::new().name("browser".into()).spawn(hear)?;
        let (told, complaints) = (VecDeque::new(), Vec::new());
        let mut browser =
            Self { child, to, from, told, asked: 0, session: None, complaints, _profile: profile };
        browser.open_page()?;
        Ok(browser)
    }

    fn open_page(&mut self) -> Result<()> {
        let target = self.ask("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.ask("Target.attachToTarget", &attach)?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.ask(domain, &json!({}))?;
        }
        self.size(1_280, 800)
    }

    /// Asks the browser, and waits for its answer.
    ///
    /// # Errors
    /// It refuses, or does not answer.
    pub fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.asked += 1;
        let id = self.asked;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(message.to_string().as_bytes())?;
        self.to.write_all(&[0])?;
        self.to.flush()?;
        let until = after(PATIENCE);
        loop {
            let heard = self.hear(until).with_context(|| format!("no answer to {method}"))?;
            if heard["id"] == id {
                ensure!(heard["error"].is_null(), "{method}: {}", heard["error"]);
                return Ok(heard["result"].clone());
            }
            self.told.push_back(heard);
        }
    }

    /// The next message; what a page complains of is noted.
    fn hear(&mut self, until: Instant) -> Result<Value> {
        let left = until.saturating_duration_since(now());
        let heard = self.from.recv_timeout(left)?;
        let parameters = &heard["params"];
        match heard["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(parameters["exceptionDetails"].to_string());
            }
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => {
                self.complaints.push(parameters["entry"].to_string());
            }
            _ => {}
        }
        Ok(heard)
    }

    /// How large the page is, in CSS pixels.
    ///
    /// # Errors
    /// The browser's.
    pub fn size(&mut self, width: u32, height: u32) -> Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", &metrics).map(drop)
    }

    /// What the viewer's system prefers: `light` or `dark`.
    ///
    /// # Errors
    /// The browser's.
    pub fn scheme(&mut self, scheme: &str) -> Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Opens an address, and waits until the page is there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&mut self, url: &str) -> Result<()> {
        let opened = self.ask("Page.navigate", &json!({ "url": url }))?;
        ensure!(opened["errorText"].is_null(), "{url}: {}", opened["errorText"]);
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")
    }

    /// What an expression is worth on the page. A promise is waited for.
    ///
    /// # Errors
    /// It throws.
    pub fn eval(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let came = self.ask("Runtime.evaluate", &asked)?;
        ensure!(came["exceptionDetails"].is_null(), "{expression}: {}", came["exceptionDetails"]);
        Ok(came["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    ///
    /// # Errors
    /// It is not within half a minute: what the page then shows is told.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        let until = after(PATIENCE);
        while now() < until {
            // A page that is being left answers nothing.
            if self.eval(&format!("Boolean({expression})")).is_ok_and(|value| value == true) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        let shown = self.eval("document.body.innerText.slice(0, 3000)")?;
        bail!("never true: {expression}\n{}\n{:?}", shown.as_str().unwrap_or("?"), self.complaints)
    }

    /// Waits until the page shows a text.
    ///
    /// # Errors
    /// It does not.
    pub fn until_shown(&mut self, text: &str) -> Result<()> {
        self.until(&format!("document.body.innerText.includes({})", json!(text)))
    }

    /// Presses a key, like `Tab` or `/`.
    ///
    /// # Errors
    /// The browser's.
    pub fn press(&mut self, key: &str) -> Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowLeft" => (37, ""),
            "ArrowUp" => (38, ""),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            _ => (0, key),
        };
        let kinds = [if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "keyUp"];
        for kind in kinds {
            let mut event = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code,
            });
            if kind == "keyDown" {
                event["text"] = json!(text);
            }
            self.ask("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// Types a text into what has the focus.
    ///
    /// # Errors
    /// The browser's.
    pub fn type_in(&mut self, text: &str) -> Result<()> {
        self.ask("Input.insertText", &json!({ "text": text })).map(drop)
    }

    /// Writes what is seen as a PNG file into the folder that `KCL_PICTURES` names, if it does: so
    /// the pictures of the docs are made.
    ///
    /// # Errors
    /// As [`Self::picture`].
    pub fn picture_for_docs(&mut self, name: &str) -> Result<()> {
        let folder = std::env::var_os("KCL_PICTURES").map(std::path::PathBuf::from);
        folder.map_or(Ok(()), |folder| self.picture(&folder.join(name)))
    }

    /// Writes what is seen as a PNG file.
    ///
    /// # Errors
    /// The browser's; the file cannot be written.
    pub fn picture(&mut self, file: &Path) -> Result<()> {
        let taken = self.ask("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let text = taken["data"].as_str().context("no picture")?;
        Ok(std::fs::write(file, aws_smithy_types::base64::decode(text)?)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "a browser keeps to the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

fn after(span: Duration) -> Instant {
    now() + span
}
