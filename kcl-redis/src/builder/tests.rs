//! The settings that are refused, and the secrets that are never shown.

use kcl_core::store::LeaseStore;

use super::*;

const SECRET: &str = "s3cret";

#[test]
fn addresses_are_shown_without_credentials() {
    for (url, shown) in [
        ("redis://:s3cret@cache:6379", "redis://cache:6379"),
        ("redis://app:s3cret@cache", "redis://cache:6379"),
        ("rediss://app:s3cret@cache:7000/3", "rediss://cache:7000/3"),
        ("valkey://:s3cret@cache", "redis://cache:6379"),
    ] {
        let builder = RedisStore::builder("orders").url(url);
        let shows = format!("{builder:?}");
        let store = builder.build().unwrap();
        assert_eq!(store.location(), shown);
        let shows = format!("{shows} {store:?} {:?}", RedisStore::new("orders", url));
        assert!(!shows.contains(SECRET), "{shows}");
    }
    let store = RedisStore::builder("orders").url("redis://cache").credentials(None, SECRET);
    let shows = format!("{store:?} {:?}", store.clone().build().unwrap());
    assert!(!shows.contains(SECRET), "{shows}");
}

#[test]
fn what_is_no_address_is_refused_without_showing_its_secrets() {
    for url in [
        "redis://app:s3cret@cache:port",
        "http://app:s3cret@cache",
        "app:s3cret@cache:6379",
        "redis://app:s3cret@cache/first",
        "",
    ] {
        let refused = RedisStore::new("orders", url).unwrap_err();
        let said = format!("{refused} {refused:?}");
        assert!(said.contains("redis://host:port"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
    let none = RedisStore::builder("orders").build().unwrap_err();
    assert!(none.to_string().contains("`url`"), "{none}");
}

#[test]
fn names_that_would_part_the_keys_of_an_application_are_refused() {
    let named = |name: &str| RedisStore::new(name, "redis://cache").map(drop);
    assert!(named("orders/eu:1").is_ok());
    for bad in ["", "a{b", "a}b", "a\nb", &"x".repeat(256)] {
        let refused = named(bad).unwrap_err().to_string();
        assert!(refused.contains("1 to 255 bytes without {, }"), "{refused}");
    }
    let prefixed = |prefix: &str| {
        RedisStore::builder("orders").url("redis://cache").key_prefix(prefix).build()
    };
    assert!(prefixed("").is_ok() && prefixed("prod:kcl:").is_ok());
    assert!(prefixed("{x}").unwrap_err().to_string().contains("key prefix"));
}

#[test]
fn times_that_cannot_work_are_refused() {
    let store = || RedisStore::builder("orders").url("redis://cache");
    for short in [
        store().operation_timeout(Duration::ZERO),
        store().replica_timeout(Duration::from_millis(9)),
    ] {
        assert!(short.build().unwrap_err().to_string().contains("10 ms"));
    }
    let long = store().replica_timeout(Duration::from_millis(1_001));
    assert!(long.build().unwrap_err().to_string().contains("at most half"));
}

#[test]
fn certificates_that_are_none_are_refused() {
    let root_cert = Some(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_vec());
    let certificates = TlsCertificates { client_tls: None, root_cert };
    let store = RedisStore::builder("orders").url("rediss://cache").tls_certificates(certificates);
    assert!(store.build().unwrap_err().to_string().contains("certificates"));
}
