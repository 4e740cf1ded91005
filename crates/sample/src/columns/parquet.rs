//! The writer of Parquet, one row group.

use super::{Column, Values};
use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DoubleType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};
use std::sync::Arc;

/// Where values are and where they are not, and those that are.
fn split<T, U>(values: &[Option<T>], take: impl Fn(&T) -> U) -> (Vec<i16>, Vec<U>) {
    let levels = values.iter().map(|v| i16::from(v.is_some())).collect();
    (levels, values.iter().flatten().map(take).collect())
}

pub fn write(columns: &[Column]) -> Result<Vec<u8>, ParquetError> {
    let field = |c: &Column| {
        let builder = match &c.values {
            Values::Numbers(_) => Type::primitive_type_builder(&c.name, Physical::DOUBLE),
            Values::Texts(_) => Type::primitive_type_builder(&c.name, Physical::BYTE_ARRAY)
                .with_converted_type(ConvertedType::UTF8),
        };
        builder.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_created_by("edgewright".into())
        .build();
    let mut out = Vec::new();
    let mut file = SerializedFileWriter::new(&mut out, schema, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for column in columns {
        let Some(mut writer) = group.next_column()? else { break };
        match &column.values {
            Values::Numbers(values) => {
                let finite: Vec<Option<f64>> = values.iter().map(|v| v.filter(|n| n.is_finite())).collect();
                let (levels, numbers) = split(&finite, |n| *n);
                writer.typed::<DoubleType>().write_batch(&numbers, Some(&levels), None)?;
            }
            Values::Texts(values) => {
                let (levels, texts) = split(values, |t| ByteArray::from(t.as_str()));
                writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
            }
        }
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(out)
}
