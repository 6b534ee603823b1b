//! Keys, as a terminal in raw mode sends them.

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
    /// Ctrl-c, which is no signal in raw mode.
    Interrupt,
}

/// Reads keys on a thread of its own, which ends with the process; each is told as `news` of it.
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
    // Without keys it is watched all the same, and a signal ends it.
    let _ = std::thread::Builder::new().name("kcl-keys".into()).spawn(read);
}

/// The keys in what was read at once.
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
