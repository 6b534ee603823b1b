//! Decodes the keys that a terminal in raw mode sends.

use std::io::Read;

use tokio::sync::mpsc;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Back,
    Escape,
    Up,
    Down,
    /// Ctrl-C. In raw mode the terminal sends it as a byte, and not as a signal.
    Interrupt,
}

/// Reads keys on a thread of its own, and sends each one as the message that `news` makes of it.
/// The thread ends when stdin or the channel is closed, else with the process: a read of a terminal
/// cannot be interrupted.
pub(super) fn listen<T: Send + 'static>(to: mpsc::Sender<T>, news: fn(Key) -> T) {
    let read = move || {
        let mut stdin = std::io::stdin().lock();
        let mut bytes = [0; 64];
        loop {
            let Ok(count @ 1..) = stdin.read(&mut bytes) else { return };
            for key in keys(&bytes[..count]) {
                if to.blocking_send(news(key)).is_err() {
                    return;
                }
            }
        }
    };
    // If there is no thread, the screen works without keys, and a signal ends it.
    let _ = std::thread::Builder::new().name("kcl-keys".into()).spawn(read);
}

/// The keys in the bytes of one read. Unknown sequences are ignored.
pub(super) fn keys(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.as_ref();
    let mut keys = Vec::new();
    while let Some(first) = rest.chars().next() {
        let arrow = ["\x1b[", "\x1bO"].iter().find_map(|start| {
            let code = rest.strip_prefix(start)?.chars().next()?;
            Some((code, start.len() + code.len_utf8()))
        });
        if let Some((code, length)) = arrow {
            keys.extend(match code {
                'A' => Some(Key::Up),
                'B' => Some(Key::Down),
                _ => None,
            });
            rest = &rest[length..];
            continue;
        }
        keys.extend(match first {
            '\r' | '\n' => Some(Key::Enter),
            '\x7f' | '\x08' => Some(Key::Back),
            '\x1b' => Some(Key::Escape),
            '\x03' => Some(Key::Interrupt),
            letter if letter.is_control() => None,
            letter => Some(Key::Char(letter)),
        });
        rest = &rest[first.len_utf8()..];
    }
    keys
}
