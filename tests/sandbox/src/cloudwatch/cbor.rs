//! JSON values as CBOR and back: the part of RFC 8949 that RPC v2 messages are made of.

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Value};

/// How deep messages may nest; ListMetrics needs three levels.
const DEPTH: usize = 16;

/// The value as CBOR, maps and lists with their length in front.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value).expect("a vector takes everything");
    encoder.into_writer()
}

fn write(
    encoder: &mut Encoder<Vec<u8>>,
    value: &Value,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    match value {
        Value::Null => encoder.null()?,
        Value::Bool(b) => encoder.bool(*b)?,
        Value::Number(n) => match n.as_i64() {
            Some(whole) => encoder.i64(whole)?,
            None => encoder.f64(n.as_f64().unwrap_or_default())?,
        },
        Value::String(text) => encoder.str(text)?,
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            for item in items {
                write(encoder, item)?;
            }
            encoder
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            for (name, member) in members {
                encoder.str(name)?;
                write(encoder, member)?;
            }
            encoder
        }
    };
    Ok(())
}

/// The value that CBOR text is. Bytes, tags and other exotic items are refused.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::new(bytes);
    let value = read(&mut decoder, DEPTH).ok()?;
    (decoder.position() == bytes.len()).then_some(value)
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, Error> {
    let Some(below) = depth.checked_sub(1) else { return Err(Error::message("too deep")) };
    match decoder.datatype()? {
        Type::Null | Type::Undefined => decoder.skip().map(|()| Value::Null),
        Type::Bool => decoder.bool().map(Value::Bool),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().map(Value::from),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64().map(Value::from),
        Type::F32 | Type::F64 => decoder.f64().map(Value::from),
        Type::String | Type::StringIndef => text(decoder).map(Value::String),
        Type::Array | Type::ArrayIndef => {
            let mut left = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, &mut left)? {
                items.push(read(decoder, below)?);
            }
            Ok(Value::Array(items))
        }
        Type::Map | Type::MapIndef => {
            let mut left = decoder.map()?;
            let mut members = Map::new();
            while more(decoder, &mut left)? {
                let name = text(decoder)?;
                members.insert(name, read(decoder, below)?);
            }
            Ok(Value::Object(members))
        }
        other => Err(Error::type_mismatch(other)),
    }
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, Error> {
    decoder.str_iter()?.collect()
}

/// Whether a list or map goes on: by its length, or until its break.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, Error> {
    match left {
        Some(0) => Ok(false),
        Some(n) => {
            *n -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| false),
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({"a": [1, -2, 1.5, true, null, "ü"], "b": {"c": []}});
        assert_eq!(decode(&encode(&value)), Some(value));
    }

    #[test]
    fn open_ended_maps_and_texts_in_pieces_are_read() {
        // {_ "Namespace": (_ "AWS", "/EC2")}, as clients may write it.
        let bytes = b"\xbf\x69Namespace\x7f\x63AWS\x64/EC2\xff\xff";
        assert_eq!(decode(bytes), Some(json!({"Namespace": "AWS/EC2"})));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let deep: Vec<u8> = [0x81].repeat(100);
        for bytes in [&b""[..], b"\xbf", b"\xa1\x61", b"\xc1\x00", b"\xa0\xa0", &deep] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
