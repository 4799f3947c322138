//! How scripts are held and called. A script sits beside its function with the same stem.

use std::sync::LazyLock;

/// A script, hashed once.
pub(crate) type Script = LazyLock<redis::Script>;

/// Puts this before a script that overwrites in place or releases: it also runs when Redis' memory is full.
macro_rules! allow_oom {
    () => {
        "#!lua flags=allow-oom\n"
    };
}

/// A script of its own.
macro_rules! script {
    ($file:literal) => {
        std::sync::LazyLock::new(|| redis::Script::new(include_str!($file)))
    };
    ($file:literal, allow_oom) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!($crate::script::allow_oom!(), include_str!($file))))
    };
}

/// A script that touches a page's ledger: the ledger's words come first.
macro_rules! ledger_script {
    ($file:literal) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!(include_str!("ledger.lua"), include_str!($file))))
    };
    ($file:literal, allow_oom) => {
        std::sync::LazyLock::new(|| {
            redis::Script::new(concat!($crate::script::allow_oom!(), include_str!("ledger.lua"), include_str!($file)))
        })
    };
}

/// A script that has to know which server it runs on: those words come first, after the ledger's if it touches one.
macro_rules! server_script {
    ($file:literal) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!(include_str!("server.lua"), include_str!($file))))
    };
    ($file:literal, ledger) => {
        std::sync::LazyLock::new(|| {
            redis::Script::new(concat!(include_str!("ledger.lua"), include_str!("server.lua"), include_str!($file)))
        })
    };
    ($file:literal, ledger, allow_oom) => {
        std::sync::LazyLock::new(|| {
            redis::Script::new(concat!(
                $crate::script::allow_oom!(),
                include_str!("ledger.lua"),
                include_str!("server.lua"),
                include_str!($file)
            ))
        })
    };
}

/// A script that touches a number's credit: the words of credit come first.
macro_rules! credit_script {
    ($file:literal) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!(include_str!("credit.lua"), include_str!($file))))
    };
}

/// A script that lets go of a version of an audience: the words about versions come first.
macro_rules! version_script {
    ($file:literal) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!(include_str!("version.lua"), include_str!($file))))
    };
    ($file:literal, allow_oom) => {
        std::sync::LazyLock::new(|| {
            redis::Script::new(concat!($crate::script::allow_oom!(), include_str!("version.lua"), include_str!($file)))
        })
    };
}

pub(crate) use {allow_oom, credit_script, ledger_script, script, server_script, version_script};
