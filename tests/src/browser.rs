//! Drives Chromium without a window, by its DevTools protocol: tests see and use pages as a person
//! does.
//!
//! The messages go through pipes, so that neither a port nor a web socket is needed. The browser
//! wants the pipes as the file descriptors 3 and 4: a shell starts it with its own input and output
//! as these.

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

/// How long a test waits for any fact.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shell's script: it starts the browser with the shell's input and output as the pipes.
const SPEAKING: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2";

/// A browser with one page, which ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// Messages that came while a call waited for its answer.
    told: VecDeque<Value>,
    /// The id of the last call.
    asked: u64,
    /// The protocol's session with the page; `None` before it is open.
    session: Option<String>,
    /// The errors of the page's scripts and of its console.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with an empty page.
    ///
    /// # Errors
    /// The browser is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let profile = TempDir::with_prefix("kcl-browser-")?;
        let mut command = Command::new("sh");
        command.args(["-c", SPEAKING, "chromium-headless-shell", "--remote-debugging-pipe"]);
        // As root, for example in a container, the browser's sandbox does not start.
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

    /// Opens the page and attaches to it, so that its errors are received.
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

    /// Calls a method of the protocol, and waits for the answer.
    ///
    /// # Errors
    /// The browser refuses the call, or does not answer within half a minute.
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

    /// Waits for the next message, and notes errors of the page.
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

    /// Sets the size of the page, in CSS pixels.
    ///
    /// # Errors
    /// The browser reports an error.
    pub fn size(&mut self, width: u32, height: u32) -> Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", &metrics).map(drop)
    }

    /// Sets the colour scheme that the user's system prefers: `light` or `dark`.
    ///
    /// # Errors
    /// The browser reports an error.
    pub fn scheme(&mut self, scheme: &str) -> Result<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Opens an address, and waits until the page is loaded.
    ///
    /// # Errors
    /// The page cannot be opened.
    pub fn open(&mut self, url: &str) -> Result<()> {
        let opened = self.ask("Page.navigate", &json!({ "url": url }))?;
        ensure!(opened["errorText"].is_null(), "{url}: {}", opened["errorText"]);
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")
    }

    /// Evaluates an expression on the page, and waits for the result if that is a promise.
    ///
    /// # Errors
    /// The expression throws.
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
    /// The expression is not true within half a minute. The message shows the text of the page.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        let until = after(PATIENCE);
        while now() < until {
            // While the browser leaves a page for another, the page does not answer.
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
    /// The page does not show it within half a minute.
    pub fn until_shown(&mut self, text: &str) -> Result<()> {
        self.until(&format!("document.body.innerText.includes({})", json!(text)))
    }

    /// Presses a key, like `Tab` or `/`.
    ///
    /// # Errors
    /// The browser reports an error.
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

    /// Types a text into the element that has the focus.
    ///
    /// # Errors
    /// The browser reports an error.
    pub fn type_in(&mut self, text: &str) -> Result<()> {
        self.ask("Input.insertText", &json!({ "text": text })).map(drop)
    }

    /// Writes a picture of the page into the folder that the variable `KCL_PICTURES` names, for the
    /// docs. Without the variable it does nothing.
    ///
    /// # Errors
    /// As [`Self::picture`].
    pub fn picture_for_docs(&mut self, name: &str) -> Result<()> {
        let folder = std::env::var_os("KCL_PICTURES").map(std::path::PathBuf::from);
        folder.map_or(Ok(()), |folder| self.picture(&folder.join(name)))
    }

    /// Writes a picture of the page as a PNG file.
    ///
    /// # Errors
    /// The browser reports an error, or the file cannot be written.
    pub fn picture(&mut self, file: &Path) -> Result<()> {
        let taken = self.ask("Page.captureScreenshot", &json!({ "format": "png" }))?;
        let text = taken["data"].as_str().context("no picture")?;
        Ok(std::fs::write(file, aws_smithy_types::base64::decode(text)?)?)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
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
