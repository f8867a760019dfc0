// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

use crate::constants::*;
use std::{fmt, io};

/// Why the plugin cannot go on; the host is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginError {
    /// One of `E_…` (§15.1).
    pub code: u32,
    /// For people: lower case, cause then remedy.
    pub message: String,
    /// The kernel's errno behind it.
    pub errno: Option<i32>,
    pub(crate) is_hosts_fault: bool,
}

/// What functions of a plugin return.
pub type Result<Value> = std::result::Result<Value, PluginError>;

impl PluginError {
    /// With a code (`E_…`) and a text for people.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        PluginError { code, message: message.into(), errno: None, is_hosts_fault: false }
    }

    /// What the host sent is against the protocol.
    pub(crate) fn host(code: u32, message: impl fmt::Display) -> Self {
        let message = format!("the host broke the protocol: {message}");
        PluginError { is_hosts_fault: true, ..PluginError::new(code, message) }
    }

    /// The errno's name, as ERROR has it.
    pub(crate) fn errno_name(&self) -> Option<&'static str> {
        let number = self.errno?;
        ERRNOS.iter().find(|rule| rule.0 == number).map(|rule| rule.1)
    }
}

const ERRNOS: [(i32, &str, u32); 10] = [
    (28, "ENOSPC", E_NO_SPACE),
    (122, "EDQUOT", E_NO_SPACE),
    (27, "EFBIG", E_NO_SPACE),
    (13, "EACCES", E_PERMISSION),
    (1, "EPERM", E_PERMISSION),
    (30, "EROFS", E_PERMISSION),
    (17, "EEXIST", E_EXISTS),
    (2, "ENOENT", E_NOT_FOUND),
    (5, "EIO", E_IO),
    (22, "EINVAL", E_IO),
];

impl From<io::Error> for PluginError {
    /// The code follows from the errno.
    fn from(error: io::Error) -> Self {
        let number = error.raw_os_error();
        let rule = ERRNOS.iter().find(|rule| Some(rule.0) == number);
        PluginError {
            errno: number,
            ..PluginError::new(rule.map_or(E_IO, |rule| rule.2), error.to_string())
        }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for PluginError {}

/// What is said of an archive that is not as its format says.
pub fn damaged(what: impl fmt::Display) -> PluginError {
    PluginError::new(E_CORRUPT, format!("the archive is damaged: {what}"))
}

/// Why a session ends before its end.
#[doc(hidden)]
pub enum Ending {
    Failed(PluginError),
    /// The host wants no archive any more.
    Aborted,
    /// The host has closed its end: nobody to tell.
    HostGone,
    /// The host sent ERROR, and wants no answer [4.5-4].
    HostFailed,
}

impl From<PluginError> for Ending {
    fn from(error: PluginError) -> Self {
        Ending::Failed(error)
    }
}

/// Refuses what the host sent: E_PROTOCOL.
macro_rules! refuse {
    ($condition:expr, $($text:tt)*) => {
        if $condition {
            return Err(PluginError::host(E_PROTOCOL, format!($($text)*)).into());
        }
    };
}
pub(crate) use refuse;
