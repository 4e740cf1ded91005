//! Models made elsewhere against the outputs of the official runtimes that lie beside them.

use crate::{budgets::BUDGETS, process::command, workspace::list};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Name on the command line.
pub const NAME: &str = "models";

/// Floats may differ by this share of the largest value: other runtimes add up in other orders.
const FLOAT_SHARE: f64 = 1e-5;

/// Float models with integer weights run elsewhere with integer products; here the weights are widened first.
const HYBRID: &str = "kws_ref_model_float32";

/// Runs every model that has golden outputs; integers must be equal, each against the runtime that made them.
pub fn verdict(binary: &Path, models: Option<&Path>, work: &Path) -> Value {
    let started = Instant::now();
    let Some(models) = models else {
        return json!({"set": NAME, "figure": "equal", "value": null, "seconds": null, "verdict": "not run",
            "why": "no folder ../shared/models"});
    };
    let (mut equal, mut problems) = (0usize, Vec::new());
    let outcome = cases(models).and_then(|cases| {
        for case in &cases {
            match case.difference(binary, work) {
                Ok(None) => equal += 1,
                Ok(Some(difference)) => problems.push(format!("{}: {difference}", case.name)),
                Err(e) => problems.push(format!("{}: {e:#}", case.name)),
            }
        }
        if cases.is_empty() { bail!("no golden outputs in {}", models.display()) } else { Ok(cases.len()) }
    });
    let all = outcome.unwrap_or_else(|e| {
        problems.push(format!("{e:#}"));
        0
    });
    let mut cost = serde_json::Map::new();
    for budget in &BUDGETS {
        let Some(model) = budget.path(models) else { continue };
        match budget.measure(binary, work, &model) {
            Ok(c) => {
                problems.extend(budget.missed(&c));
                let figures = json!({"instructions_per_mac": (c.per_mac * 1000.0).round() / 1000.0, "ram_bytes": c.ram, "flash_bytes": c.flash});
                if let Some(core) = cost.entry(budget.core).or_insert_with(|| json!({})).as_object_mut() {
                    core.insert(budget.name.into(), figures);
                }
            }
            Err(e) => problems.push(format!("{e:#}")),
        }
    }
    let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    json!({"set": NAME, "figure": "equal", "value": equal, "float": all, "floor": all, "baseline": null, "seconds": seconds,
        "cost": cost, "verdict": if problems.is_empty() { "passed" } else { "failed" }, "why": problems.join("; ")})
}

struct Case {
    name: String,
    model: PathBuf,
    input: PathBuf,
    expected: PathBuf,
    reference: &'static str,
}

/// One case for each golden output; models without inputs beside them have none.
fn cases(models: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for folder in list(models)? {
        let golden = folder.join("golden");
        if !golden.is_dir() {
            continue;
        }
        for model in list(&folder)? {
            let Some(stem) = model.file_name().and_then(|n| n.to_str()).map(str::to_owned) else { continue };
            let bare = model.file_stem().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
            for base in [stem, bare] {
                let input = golden.join(format!("{base}.input.npy"));
                for (end, reference) in [("output", "litert"), ("output_tflm", "tflm")] {
                    let expected = golden.join(format!("{base}.{end}.npy"));
                    if input.is_file() && expected.is_file() && !base.starts_with(HYBRID) {
                        cases.push(Case {
                            name: format!("{base} ({reference})"),
                            model: model.clone(),
                            input: input.clone(),
                            expected,
                            reference,
                        });
                    }
                }
            }
        }
    }
    Ok(cases)
}

impl Case {
    /// What differs between the product's output and the golden one.
    fn difference(&self, binary: &Path, work: &Path) -> Result<Option<String>> {
        let out = work.join("out.npy");
        let mut run = command(work, binary, ["model", "run"]);
        run.arg(&self.model).arg("--input").arg(&self.input).arg("--out").arg(&out);
        let ran = run.args(["--reference", self.reference]).output().context("cannot start the product")?;
        if !ran.status.success() {
            bail!("{}", String::from_utf8_lossy(&ran.stderr).trim().replace('\n', " / "));
        }
        let (got, expected) = (Npy::read(&out)?, Npy::read(&self.expected)?);
        if got.kind != expected.kind || got.bytes.len() != expected.bytes.len() {
            return Ok(Some(format!(
                "{} of {} bytes, expected {} of {}",
                got.kind,
                got.bytes.len(),
                expected.kind,
                expected.bytes.len()
            )));
        }
        if expected.kind != "<f4" {
            let differ = got.bytes.iter().zip(&expected.bytes).filter(|(a, b)| a != b).count();
            return Ok((differ > 0).then(|| format!("{differ} bytes differ")));
        }
        let (got, expected) = (got.floats(), expected.floats());
        let largest = expected.iter().fold(1.0f64, |most, v| most.max(v.abs()));
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0f64, f64::max);
        // A NaN fails too.
        let fits = worst <= FLOAT_SHARE * largest && got.iter().all(|v| v.is_finite());
        Ok((!fits).then(|| format!("off by {worst:e} where the largest value is {largest}")))
    }
}

/// Element type and bytes of a NumPy file.
struct Npy {
    kind: String,
    bytes: Vec<u8>,
}

impl Npy {
    fn read(path: &Path) -> Result<Self> {
        let all = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let length = all.get(8..10).context("a header")?;
        let start = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
        let header = String::from_utf8_lossy(all.get(10..start).context("a whole header")?).into_owned();
        let kind =
            header.split("'descr': '").nth(1).and_then(|rest| rest.split('\'').next()).context("a type")?;
        Ok(Self { kind: kind.to_owned(), bytes: all[start..].to_vec() })
    }

    fn floats(&self) -> Vec<f64> {
        self.bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect()
    }
}
