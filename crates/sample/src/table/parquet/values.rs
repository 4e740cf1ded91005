//! Values of Parquet as the text that a cell of a table would hold.
//!
//! Source: `LogicalTypes.md` of the Apache Parquet format.

use super::super::{cell, moment};
use parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type},
    schema::types::ColumnDescriptor,
};
use std::fmt::Write;

/// Most digits behind the point of a decimal.
const MAX_SCALE: i32 = 76;

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Writer {
    /// Truth values, as words or as 1 and 0.
    Truth {
        words: bool,
    },
    /// Integers; unsigned ones of this many bits lie in signed ones.
    Integer {
        unsigned: Option<u32>,
    },
    Float,
    /// A 16-bit float in two bytes.
    Half,
    Text,
    /// Text, unless a value is none: old writers do not say that their bytes are text.
    Bytes,
    /// Days since 1970.
    Date,
    /// Time of day, so many a second.
    Clock(i64),
    /// Since 1970, so many a second.
    Moment(i64),
    /// An integer with this many digits behind the point.
    Decimal(i32),
}

impl Writer {
    /// How a column is written; what it holds, where it cannot be.
    pub fn of(column: &ColumnDescriptor, words: bool) -> Result<Self, &'static str> {
        if column.max_rep_level() > 0 {
            return Err("lists");
        }
        let per_second = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        let kind = column.physical_type();
        let whole = matches!(kind, Type::INT32 | Type::INT64);
        let bytes = matches!(kind, Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        match column.logical_type_ref() {
            Some(LogicalType::Timestamp(t)) if whole => return Ok(Self::Moment(per_second(&t.unit))),
            Some(LogicalType::Time(t)) if whole => return Ok(Self::Clock(per_second(&t.unit))),
            Some(LogicalType::Date) if whole => return Ok(Self::Date),
            Some(LogicalType::Decimal(d)) if whole || bytes => return Self::decimal(d.scale),
            Some(LogicalType::Integer(i)) if whole && !i.is_signed => {
                return Ok(Self::Integer { unsigned: Some(if kind == Type::INT32 { 32 } else { 64 }) });
            }
            Some(LogicalType::Float16) if kind == Type::FIXED_LEN_BYTE_ARRAY => return Ok(Self::Half),
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) if bytes => {
                return Ok(Self::Text);
            }
            Some(LogicalType::Bson | LogicalType::Uuid | LogicalType::Variant(_)) if bytes => {
                return Err("bytes");
            }
            _ => {}
        }
        Ok(match (column.converted_type(), kind) {
            (ConvertedType::DATE, _) if whole => Self::Date,
            (ConvertedType::TIME_MILLIS, _) if whole => Self::Clock(1_000),
            (ConvertedType::TIME_MICROS, _) if whole => Self::Clock(1_000_000),
            (ConvertedType::TIMESTAMP_MILLIS, _) if whole => Self::Moment(1_000),
            (ConvertedType::TIMESTAMP_MICROS, _) if whole => Self::Moment(1_000_000),
            (ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32, Type::INT32) => {
                Self::Integer { unsigned: Some(32) }
            }
            (ConvertedType::UINT_64, Type::INT64) => Self::Integer { unsigned: Some(64) },
            (ConvertedType::DECIMAL, _) if whole || bytes => return Self::decimal(column.type_scale()),
            (ConvertedType::BSON | ConvertedType::INTERVAL, _) => return Err("bytes"),
            (_, Type::BOOLEAN) => Self::Truth { words },
            (_, Type::INT32 | Type::INT64) => Self::Integer { unsigned: None },
            (_, Type::INT96) => Self::Moment(1_000_000_000),
            (_, Type::FLOAT | Type::DOUBLE) => Self::Float,
            (ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, Type::BYTE_ARRAY) => Self::Text,
            (_, Type::BYTE_ARRAY) => Self::Bytes,
            (_, Type::FIXED_LEN_BYTE_ARRAY) => return Err("bytes"),
        })
    }

    fn decimal(scale: i32) -> Result<Self, &'static str> {
        if (0..=MAX_SCALE).contains(&scale) {
            Ok(Self::Decimal(scale))
        } else {
            Err("decimals of no known scale")
        }
    }

    pub fn boolean(&self, value: bool, out: &mut String) -> Result<(), String> {
        out.push_str(match (self, value) {
            (Self::Truth { words: true }, true) => "true",
            (Self::Truth { words: true }, false) => "false",
            (_, true) => "1",
            (_, false) => "0",
        });
        Ok(())
    }

    pub fn integer(&self, value: i64, out: &mut String) -> Result<(), String> {
        match *self {
            Self::Integer { unsigned: Some(32) } => write!(out, "{}", value as u32),
            Self::Integer { unsigned: Some(_) } => write!(out, "{}", value as u64),
            Self::Date => return moment::write(i128::from(value) * i128::from(moment::DAY_NS), false, out),
            Self::Clock(per_second) => return moment::write_clock(nanoseconds(value, per_second), out),
            Self::Moment(per_second) => return moment::write(nanoseconds(value, per_second), true, out),
            Self::Decimal(scale) => return decimal(i128::from(value), scale, out),
            _ => write!(out, "{value}"),
        }
        .map_err(|e| e.to_string())
    }

    /// A moment as older programs write it: nanoseconds of the day, then the Julian day.
    pub fn old_moment(&self, value: &[u32], out: &mut String) -> Result<(), String> {
        let [low, high, day] = value else { return Err("a moment of 12 bytes has others".into()) };
        let time = i128::from(u64::from(*high) << 32 | u64::from(*low));
        moment::write((i128::from(*day) - 2_440_588) * i128::from(moment::DAY_NS) + time, true, out)
    }

    pub fn single(&self, value: f32, out: &mut String) -> Result<(), String> {
        // The shortest text of single precision, which is shorter than that of the same number in double.
        let text = value.to_string();
        out.push_str(&if text.len() <= 20 { text } else { format!("{value:e}") });
        Ok(())
    }

    pub fn double(&self, value: f64, out: &mut String) -> Result<(), String> {
        out.push_str(&cell::written(value));
        Ok(())
    }

    pub fn bytes(&self, value: &[u8], out: &mut String) -> Result<(), String> {
        match *self {
            Self::Decimal(scale) => {
                let negative = value.first().is_some_and(|b| b & 0x80 != 0);
                if value.is_empty() || value.len() > 16 {
                    return Err(format!("a decimal of {} bytes is not read (1 to 16 are)", value.len()));
                }
                let number =
                    value.iter().fold(if negative { -1i128 } else { 0 }, |n, b| n << 8 | i128::from(*b));
                decimal(number, scale, out)
            }
            Self::Half => {
                let bits =
                    <[u8; 2]>::try_from(value).map_err(|_| "a 16-bit float has other bytes".to_owned())?;
                self.single(crate::npy::half(u16::from_le_bytes(bits)), out)
            }
            _ => {
                out.push_str(
                    std::str::from_utf8(value).map_err(|_| "the bytes are no UTF-8 text".to_owned())?,
                );
                Ok(())
            }
        }
    }
}

fn nanoseconds(value: i64, per_second: i64) -> i128 {
    i128::from(value) * i128::from(1_000_000_000 / per_second)
}

fn decimal(value: i128, scale: i32, out: &mut String) -> Result<(), String> {
    let digits = usize::try_from(scale).unwrap_or(0);
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    write!(out, "{sign}{whole}{point}{fraction}").map_err(|e| e.to_string())
}
