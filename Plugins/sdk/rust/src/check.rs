// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Holds JSON objects against the table of their members.

use crate::constants::*;
use crate::error::{refuse, PluginError, Result};
use crate::json::{parse, Value};

/// So many bytes at most, without control characters.
fn is_plain(text: &str, most: u64) -> bool {
    text.len() as u64 <= most && !text.chars().any(char::is_control)
}

/// What streams and artefacts may be called [1.4-1].
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && !text.contains('/')
        && is_plain(text, NAME_BYTES_MAX)
}

fn is_word(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(is_good)
}

/// Whether a text has a form, in which `x` is a hexadecimal digit and `0` a decimal one.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(found, wanted)| match wanted {
            b'x' => found.is_ascii_digit() || (b'a'..=b'f').contains(&found),
            b'0' => found.is_ascii_digit(),
            other => found == other,
        })
}

/// A second that there is, in UTC: 2026-01-31T20:00:00Z.
fn is_instant(text: &str) -> bool {
    let form = "0000-00-00T00:00:00";
    if !text.is_ascii() || text.len() <= form.len() || !has_form(&text[..form.len()], form) {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(99);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let is_leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let end = &text[form.len()..];
    let fraction = end.strip_prefix('.').and_then(|rest| rest.strip_suffix('Z'));
    let is_fraction =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|each| each.is_ascii_digit());
    (1..=days).contains(&day)
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) <= 60
        && (end == "Z" || fraction.is_some_and(is_fraction))
}

fn is_location(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('/') && is_plain(text, LOCATION_BYTES_MAX)
}

/// Whether a text is as its type says; `None` for types that are no texts.
fn is_proper_text(kind: &Kind, text: &str) -> Option<bool> {
    Some(match kind {
        Kind::String => text.len() as u64 <= STRING_BYTES_MAX,
        Kind::Text => is_plain(text, NAME_BYTES_MAX),
        Kind::Name => is_name(text),
        Kind::Word => is_word(text),
        Kind::Uuid => text.is_empty() || has_form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        Kind::Mac => text.is_empty() || has_form(text, "xx:xx:xx:xx:xx:xx"),
        Kind::Digest => has_form(text, &"x".repeat(64)),
        Kind::Location => is_location(text),
        Kind::Instant => is_instant(text),
        Kind::Choice(words) => words.contains(&text),
        _ => return None,
    })
}

/// Holds an object against the table [1.3-5]; members that are not known are ignored.
pub(crate) fn check_object(kind: &str, value: &Value) -> Result<()> {
    refuse!(!matches!(value, Value::Object(_)), "{kind} is not an object");
    let members = OBJECTS.iter().find(|object| object.0 == kind).map_or(&[][..], |object| object.1);
    for Member(name, form, is_required) in members {
        match value.get(name) {
            None => refuse!(*is_required, "{kind} has no \"{name}\""),
            Some(member) => {
                refuse!(!check_member(form, member)?, "{kind}.{name} has a wrong type or range")
            }
        }
    }
    Ok(())
}

fn check_member(kind: &Kind, value: &Value) -> Result<bool> {
    if let Some(is_proper) = is_proper_text(kind, value.text().unwrap_or("")) {
        return Ok(is_proper && value.text().is_some());
    }
    let elements = value.elements();
    let is_list = matches!(value, Value::Array(_));
    Ok(match kind {
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Integer(least, most) => {
            value.integer().is_some_and(|integer| (*least..=*most).contains(&integer))
        }
        Kind::Integers(most) => {
            (1..=*most).contains(&elements.len())
                && elements.iter().all(|each| each.integer().is_some_and(|integer| integer >= 0))
        }
        Kind::Strings => {
            is_list
                && elements.len() as u64 <= ENTRIES_MAX
                && elements.iter().all(|each| each.text().is_some())
        }
        Kind::Object(of) => check_object(of, value).map(|()| true)?,
        Kind::List(of, most) => {
            elements.iter().take(*most).try_for_each(|each| check_object(of, each))?;
            is_list && elements.len() <= *most
        }
        Kind::Map(of, most) => {
            let members = value.members();
            members.iter().take(*most).try_for_each(|member| check_object(of, &member.1))?;
            matches!(value, Value::Object(_))
                && members.len() <= *most
                && members.iter().all(|member| is_name(&member.0))
        }
        _ => matches!(value, Value::Object(_)),
    })
}

/// A HELLO or JOB: checked, and nothing required in it that we do not know [17.3-1].
pub fn control(kind: &str, payload: &[u8]) -> Result<Value> {
    let value = parse(payload)?;
    let members = OBJECTS.iter().find(|object| object.0 == kind).map_or(&[][..], |object| object.1);
    let features =
        [FEATURE_SHM, FEATURE_MAP, FEATURE_CHECKPOINT, FEATURE_RANDOM_READ, FEATURE_PARALLEL_READ];
    if let Some(require) = value.get("require") {
        refuse!(!check_member(&Kind::Strings, require)?, "a wrong \"require\"");
        for name in require.elements().iter().filter_map(Value::text) {
            let is_known = members.iter().any(|member| member.0 == name)
                || features.contains(&name)
                || name == "require";
            if !is_known {
                let text = format!("it requires \"{name}\", which is not known here");
                return Err(PluginError::host(E_UNSUPPORTED, text));
            }
        }
    }
    check_object(kind, &value)?;
    let slot = value.get("pool").and_then(|pool| pool.integer_of("slot_size"));
    refuse!(slot.is_some_and(|slot| !slot.is_power_of_two()), "pool.slot_size is no power of two");
    Ok(value)
}
