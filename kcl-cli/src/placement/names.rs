//! Recognises worker ids that change at each start, so that no rule can name such a worker.

/// The characters of random names in Kubernetes. It leaves out vowels, so that no word appears.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Whether a worker id looks like the name of a Deployment's pod (`orders-7d9c5bf8b5-x2x7k`), or
/// like one that this library makes by default (`host-4711-0f3a9c1e`). It is a guess.
pub(super) fn is_made_up(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let (Some(last), Some(before), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let of_letters = |part: &str| part.chars().all(|letter| LETTERS.contains(letter));
    let is_pod = last.len() == 5
        && (6..=10).contains(&before.len())
        && of_letters(last)
        && of_letters(before);
    let is_hex = |part: &str| part.len() == 8 && part.chars().all(|it| it.is_ascii_hexdigit());
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|it| it.is_ascii_digit());
    is_pod || is_hex(last) && is_number(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pods_and_processes_are_told_from_those_that_stay() {
        for made_up in
            ["orders-7d9c5bf8b5-x2x7k", "a-b-65dffc6d4-zl9qf", "host-4711-0f3a9c1e", "w-1-00000000"]
        {
            assert!(is_made_up(made_up), "{made_up}");
        }
        for stays in ["worker-1", "orders-0", "orders-indexer-0", "eu-west-1-a", "w1", "a-1-b", ""]
        {
            assert!(!is_made_up(stays), "{stays}");
        }
    }
}
