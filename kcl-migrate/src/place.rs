//! Names of places that leases are imported from or exported to, like `dynamodb-kcl:orders`.

use std::{fmt, str::FromStr};

/// The library that a lease table belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The Java KCL in any version, and programs that use the same table (the MultiLangDaemon,
    /// zio-kinesis).
    Kcl,
    /// VMware-Go-KCL v1 and v2, and the fork with sticky columns.
    Vmware,
}

impl Library {
    /// The name of the table's partition key. The table has no sort key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Kcl => "leaseKey",
            Self::Vmware => "ShardID",
        }
    }

    /// The name of the library, for messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kcl => "the Java KCL",
            Self::Vmware => "VMware-Go-KCL",
        }
    }

    /// The part of a [`Place`] before the colon.
    const fn scheme(self) -> &'static str {
        match self {
            Self::Kcl => "dynamodb-kcl",
            Self::Vmware => "dynamodb-vmware",
        }
    }
}

/// A place that leases are imported from or exported to. [`FromStr`] parses the text that
/// [`Display`](fmt::Display) writes.
///
/// ```
/// use kcl_migrate::{Library, Place};
///
/// let place: Place = "dynamodb-kcl://orders".parse().unwrap();
/// assert_eq!(place.to_string(), "dynamodb-kcl:orders");
/// assert!(matches!(place, Place::Table { library: Library::Kcl, .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A table of DynamoDB.
    Table {
        /// The library that the table belongs to.
        library: Library,
        /// The table's name, of 3 to 255 characters.
        name: String,
    },
    /// A file in the format of `kcl export --to file:…`; `-` is standard input or output.
    File {
        /// The path; not empty.
        path: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table { library, name } => write!(f, "{}:{name}", library.scheme()),
            Self::File { path } => write!(f, "file:{path}"),
        }
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidPlace(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once(':').ok_or_else(refuse)?;
        let library = match scheme {
            "dynamodb-kcl" => Library::Kcl,
            "dynamodb-vmware" => Library::Vmware,
            "file" if !rest.is_empty() => return Ok(Self::File { path: rest.to_owned() }),
            _ => return Err(refuse()),
        };
        let name = rest.trim_start_matches("//");
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self::Table { library, name: name.to_owned() })
        } else {
            Err(refuse())
        }
    }
}

/// A text names no place of leases. Holds at most 200 characters of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no leases: expected dynamodb-kcl:TABLE (a table of the Java KCL), \
     dynamodb-vmware:TABLE (one of VMware-Go-KCL) or file:PATH (what `kcl export` wrote); a \
     table's name has 3 to 255 of a-z A-Z 0-9 _ . -"
)]
pub struct InvalidPlace(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_what_it_shows() {
        for text in ["dynamodb-kcl:orders", "dynamodb-vmware:orders_2.x", "file:/tmp/a b", "file:-"]
        {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let slashes: Place = "dynamodb-kcl://orders".parse().unwrap();
        assert_eq!(slashes.to_string(), "dynamodb-kcl:orders");
        for bad in ["", "orders", "dynamodb:orders", "dynamodb-kcl:", "dynamodb-kcl:a b", "file:"] {
            let told = bad.parse::<Place>().unwrap_err().to_string();
            assert!(told.contains("dynamodb-vmware:TABLE"), "{told}");
        }
    }
}
