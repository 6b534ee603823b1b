//! The program that the property `executableName` names, with its arguments. It is found in the
//! way of the Java daemon.

use std::{
    env,
    ffi::OsStr,
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A program that was found, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// The path of the program.
    pub program: PathBuf,
    /// The arguments that it is started with; may be empty.
    pub arguments: Vec<String>,
}

/// Why a text names no program that can be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotExecutable {
    /// The text has only blanks.
    #[error("executableName is empty: name the program that processes records, like sampleapp.py")]
    Empty,
    /// No folder of `PATH` has a file of this name. Holds the name and `PATH`.
    #[error(
        "executableName: {0} is in no folder of PATH ({1}); a name without a slash is looked for \
         there, and not in the working directory: write ./{0} for one that is there"
    )]
    NotOnPath(String, String),
    /// The text names a path, and there is no file. Holds the path and the working directory.
    #[error(
        "executableName: there is no file {} (the working directory is {})",
        .0.display(), .1.display()
    )]
    NoFile(PathBuf, PathBuf),
    /// The file lacks the permission to execute.
    #[error("executableName: {} may not be executed: chmod +x {}", .0.display(), .0.display())]
    NotPermitted(PathBuf),
}

impl Executable {
    /// Finds the program that `text` names. The text is split at blanks, as by the Java daemon: the
    /// first word is the program, the others are its arguments. A name without a slash is searched
    /// for in the folders of `PATH`, and not in the working directory.
    ///
    /// # Errors
    /// The text is blank, the file does not exist, or nobody may execute it.
    pub fn find(text: &str) -> Result<Self, NotExecutable> {
        Self::find_in(text, &env::var_os("PATH").unwrap_or_default())
    }

    /// The same with another `PATH`, for tests.
    fn find_in(text: &str, path: &OsStr) -> Result<Self, NotExecutable> {
        let mut words = text.split_whitespace();
        let name = words.next().ok_or(NotExecutable::Empty)?;
        let program = locate(name, path)?;
        Ok(Self { program, arguments: words.map(str::to_owned).collect() })
    }
}

/// The file that a name stands for. In `PATH`, the first file that may be executed counts.
fn locate(name: &str, path: &OsStr) -> Result<PathBuf, NotExecutable> {
    if name.contains('/') {
        let file = PathBuf::from(name);
        if !file.is_file() {
            let folder = env::current_dir().unwrap_or_default();
            return Err(NotExecutable::NoFile(file, folder));
        }
        return if is_executable(&file) {
            Ok(file)
        } else {
            Err(NotExecutable::NotPermitted(file))
        };
    }
    let candidates = || env::split_paths(path).map(|folder| folder.join(name));
    if let Some(file) = candidates().find(|file| is_executable(file)) {
        return Ok(file);
    }
    Err(match candidates().find(|file| file.is_file()) {
        Some(file) => NotExecutable::NotPermitted(file),
        None => NotExecutable::NotOnPath(name.to_owned(), path.to_string_lossy().into_owned()),
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

impl fmt::Display for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_looked_for_on_the_path_and_a_file_where_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.py");
        let path = folder.path().as_os_str();
        let found = |text: &str| Executable::find_in(text, path);
        let missing = found("app.py").unwrap_err().to_string();
        assert!(missing.contains("./app.py") && missing.contains("PATH"), "{missing}");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(found("app.py"), Err(NotExecutable::NotPermitted(file.clone())));
        let refused = found(file.to_str().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("chmod +x"), "{refused}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let executable = found("  app.py  --verbose\t x ").unwrap();
        assert_eq!((executable.program, executable.arguments.len()), (file.clone(), 2));
        assert_eq!(found(file.to_str().unwrap()).unwrap().program, file);
        assert!(matches!(found("./no/such/file"), Err(NotExecutable::NoFile(..))));
        assert_eq!(found(" "), Err(NotExecutable::Empty));
    }
}
