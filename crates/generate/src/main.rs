//! `generate keywords|motion|shapes|defects OUT [--seed N]`

use anyhow::{Result, bail};
use std::path::PathBuf;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (kind, out, seed) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [kind, out] => (kind, out, 1),
        [kind, out, "--seed", n] => (kind, out, n.parse()?),
        _ => bail!("usage: generate keywords|motion|shapes|defects OUT [--seed N]"),
    };
    let out = PathBuf::from(out);
    match kind {
        "keywords" => edgewright_generate::keywords::write(&out, seed),
        "motion" => edgewright_generate::motion::write(&out, seed),
        "defects" => edgewright_generate::defects::write(&out, seed),
        "shapes" => edgewright_generate::shapes::write(&out, seed),
        _ => bail!("there is no generator `{kind}`; there are keywords, motion, shapes and defects"),
    }
}
