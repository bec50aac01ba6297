//! Values as bytes: the one encoding by which rows are compared and remembered.

use crate::domain::row::SqlValue;

/// Values as bytes: equal bytes, equal values of equal type.
pub fn encode<'a>(values: impl IntoIterator<Item = &'a SqlValue>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    for value in values {
        match value {
            SqlValue::Null => bytes.push(0),
            SqlValue::Integer(number) => {
                bytes.push(1);
                bytes.extend(number.to_be_bytes());
            }
            SqlValue::Real(number) => {
                bytes.push(2);
                bytes.extend(number.to_bits().to_be_bytes());
            }
            SqlValue::Text(text) => sized(&mut bytes, 3, text.as_bytes()),
            SqlValue::Blob(blob) => sized(&mut bytes, 4, blob),
        }
    }
    bytes
}

fn sized(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    bytes.extend((content.len() as u64).to_be_bytes());
    bytes.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_rows_have_different_bytes() {
        let rows = [
            vec![SqlValue::Null],
            vec![SqlValue::Integer(1)],
            vec![SqlValue::Real(1.0)],
            vec![SqlValue::Text("1".into())],
            vec![SqlValue::Blob(b"1".to_vec())],
            vec![SqlValue::Text("a".into()), SqlValue::Text("bc".into())],
            vec![SqlValue::Text("ab".into()), SqlValue::Text("c".into())],
            vec![SqlValue::Text("abc".into())],
        ];
        let encoded: std::collections::HashSet<Vec<u8>> = rows.iter().map(encode).collect();
        assert_eq!(encoded.len(), rows.len());
    }
}
