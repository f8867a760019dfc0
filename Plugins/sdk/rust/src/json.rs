// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! JSON as protocol.md §1.3 admits it.

use crate::constants::*;
use crate::error::{PluginError, Result};
use std::fmt;

/// A JSON value; an object keeps the order of its members.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// At most 2^53 − 1, and at least its negative.
    Integer(i64),
    /// A number that is no integer, as it was written.
    Number(String),
    /// Without its escapes.
    String(String),
    /// `[…]`.
    Array(Vec<Value>),
    /// `{…}`.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A member of an object; `None` if it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.members().iter().find(|member| member.0 == name)?;
        (found.1 != Value::Null).then_some(&found.1)
    }

    /// The members of an object; none of anything else.
    pub fn members(&self) -> &[(String, Value)] {
        if let Value::Object(members) = self {
            members
        } else {
            &[]
        }
    }

    /// The elements of an array; none of anything else.
    pub fn elements(&self) -> &[Value] {
        if let Value::Array(elements) = self {
            elements
        } else {
            &[]
        }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        if let Value::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The value of an integer.
    pub fn integer(&self) -> Option<i64> {
        if let Value::Integer(integer) = self {
            Some(*integer)
        } else {
            None
        }
    }

    /// The text of a member, or nothing.
    pub fn text_of(&self, name: &str) -> &str {
        self.get(name).and_then(Value::text).unwrap_or("")
    }

    /// The value of a member that is an integer and not negative.
    pub fn integer_of(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::integer).and_then(|integer| u64::try_from(integer).ok())
    }

    /// Whether a member is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_string())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Integer(number as i64)
    }
}

/// An object of these members.
pub fn object<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

/// Compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Null => to.write_str("null"),
            Value::Bool(value) => write!(to, "{value}"),
            Value::Integer(value) => write!(to, "{value}"),
            Value::Number(text) => to.write_str(text),
            Value::String(text) => write_string(to, text),
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    write!(to, "{}{element}", if index > 0 { "," } else { "[" })?;
                }
                to.write_str(if elements.is_empty() { "[]" } else { "]" })
            }
            Value::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    to.write_str(if index > 0 { "," } else { "{" })?;
                    write_string(to, name)?;
                    write!(to, ":{value}")?;
                }
                to.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn write_string(to: &mut fmt::Formatter, text: &str) -> fmt::Result {
    to.write_str("\"")?;
    for each in text.chars() {
        match each {
            '"' | '\\' => write!(to, "\\{each}")?,
            control if control < ' ' => write!(to, "\\u{:04x}", control as u32)?,
            other => write!(to, "{other}")?,
        }
    }
    to.write_str("\"")
}

/// The object of a control frame, a manifest or a receipt.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let refusal = || PluginError::host(E_PROTOCOL, "not one acceptable JSON object");
    let text = std::str::from_utf8(bytes).map_err(|_| refusal())?;
    let mut parser = Parser { text, place: 0 };
    let value = parser.value(0).ok_or_else(refusal)?;
    parser.skip_white();
    let is_object = matches!(value, Value::Object(_)) && parser.place == text.len();
    if is_object {
        Ok(value)
    } else {
        Err(refusal())
    }
}

/// Takes values off a text; `None` is what is malformed.
struct Parser<'a> {
    text: &'a str,
    place: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    fn skip_white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.place += 1;
        }
    }

    /// Whether the next token is this one, which is taken then.
    fn next_is(&mut self, token: &str) -> bool {
        self.skip_white();
        let found = self.text[self.place..].starts_with(token);
        self.place += if found { token.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: u64) -> Option<Value> {
        if self.next_is("{") {
            return self.object(depth + 1);
        }
        if self.next_is("[") {
            return self.array(depth + 1);
        }
        if self.next_is("\"") {
            return self.string().map(Value::String);
        }
        let words =
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        for (word, value) in words {
            if self.next_is(word) {
                return Some(value);
            }
        }
        self.number()
    }

    fn array(&mut self, depth: u64) -> Option<Value> {
        let mut elements = Vec::new();
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        if self.next_is("]") {
            return Some(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            if !self.next_is(",") {
                return self.next_is("]").then_some(Value::Array(elements));
            }
        }
    }

    fn object(&mut self, depth: u64) -> Option<Value> {
        let mut members: Vec<(String, Value)> = Vec::new();
        if depth > JSON_DEPTH_MAX {
            return None;
        }
        if self.next_is("}") {
            return Some(Value::Object(members));
        }
        loop {
            let name = if self.next_is("\"") {
                self.string()?
            } else {
                return None;
            };
            if members.iter().any(|member| member.0 == name) || !self.next_is(":") {
                return None;
            }
            members.push((name, self.value(depth)?));
            if !self.next_is(",") {
                return self.next_is("}").then_some(Value::Object(members));
            }
        }
    }

    /// A string behind its first quote.
    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let next = self.text[self.place..].chars().next()?;
            self.place += next.len_utf8();
            match next {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                control if control < ' ' => return None,
                other => text.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let escaped = self.peek()?;
        self.place += 1;
        let simple = match escaped {
            b'"' | b'\\' | b'/' => escaped,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.scalar(),
            _ => return None,
        };
        Some(simple as char)
    }

    /// What stands behind `\u`; U+0000 is refused.
    fn scalar(&mut self) -> Option<char> {
        let high = self.digits()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).filter(|scalar| *scalar != '\0');
        }
        if !self.text[self.place..].starts_with("\\u") {
            return None;
        }
        self.place += 2;
        let low = self.digits().filter(|low| (0xDC00..0xE000).contains(low))?;
        char::from_u32(0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF))
    }

    fn digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.place..self.place + 4)?;
        self.place += 4;
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if are_digits {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        }
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.place;
        let takes_digits = |parser: &mut Self| {
            let from = parser.place;
            while parser.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                parser.place += 1;
            }
            parser.place > from
        };
        self.place += usize::from(self.peek() == Some(b'-'));
        let first = self.place;
        if !takes_digits(self) || self.place - first > 1 && self.text.as_bytes()[first] == b'0' {
            return None;
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            self.place += 1;
            is_integer = false;
            takes_digits(self).then_some(())?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.place += 1;
            is_integer = false;
            self.place += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            takes_digits(self).then_some(())?;
        }
        let text = &self.text[start..self.place];
        if !is_integer {
            return Some(Value::Number(text.to_string()));
        }
        let integer = text.parse::<i64>().ok()?;
        (integer.unsigned_abs() <= INTEGER_MAX).then_some(Value::Integer(integer))
    }
}
