//! What the MLPerf Tiny models may cost on emulated cores, and what they cost.

use crate::process::{captured, command};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Goals of one int8 model: GCC -O3, executed instructions in QEMU.
pub struct Budget {
    /// Short name.
    pub name: &'static str,
    /// Where it runs.
    pub core: &'static str,
    /// Below the folder of models.
    pub file: &'static str,
    /// Instructions for each multiply-accumulate.
    pub per_mac: f64,
    /// Arena, static data and stack, in bytes.
    pub ram: f64,
    /// Whole image, in bytes.
    pub flash: f64,
}

/// All goals. On Helium nobody asked for the network of dense layers.
pub const BUDGETS: [Budget; 7] = [
    Budget {
        name: "kws",
        core: "cortex-m4f",
        file: "mlperf-tiny-kws/kws_ref_model.tflite",
        per_mac: 1.10,
        ram: 16.0 * 1024.0,
        flash: 45_000.0,
    },
    Budget {
        name: "vww",
        core: "cortex-m4f",
        file: "mlperf-tiny-vww/vww_96_int8.tflite",
        per_mac: 1.20,
        ram: 56.0 * 1024.0,
        flash: 296_000.0,
    },
    Budget {
        name: "ic",
        core: "cortex-m4f",
        file: "mlperf-tiny-image-classification/pretrainedResnet_quant.tflite",
        per_mac: 1.15,
        ram: 44.0 * 1024.0,
        flash: 108_000.0,
    },
    Budget {
        name: "ad",
        core: "cortex-m4f",
        file: "mlperf-tiny-anomaly/ad01_int8.tflite",
        per_mac: 1.25,
        ram: 2.0 * 1024.0,
        flash: 294_000.0,
    },
    Budget {
        name: "kws",
        core: "cortex-m55",
        file: "mlperf-tiny-kws/kws_ref_model.tflite",
        per_mac: 0.30,
        ram: 16.0 * 1024.0,
        flash: 45_000.0,
    },
    Budget {
        name: "vww",
        core: "cortex-m55",
        file: "mlperf-tiny-vww/vww_96_int8.tflite",
        per_mac: 0.30,
        ram: 56.0 * 1024.0,
        flash: 296_000.0,
    },
    Budget {
        name: "ic",
        core: "cortex-m55",
        file: "mlperf-tiny-image-classification/pretrainedResnet_quant.tflite",
        per_mac: 0.30,
        ram: 44.0 * 1024.0,
        flash: 108_000.0,
    },
];

/// What a model was measured to cost.
pub struct Cost {
    /// Instructions for each multiply-accumulate.
    pub per_mac: f64,
    /// In bytes.
    pub ram: f64,
    /// In bytes.
    pub flash: f64,
}

impl Budget {
    /// The file below a folder of models, when it is there.
    pub fn path(&self, models: &Path) -> Option<PathBuf> {
        Some(models.join(self.file)).filter(|p| p.is_file())
    }

    /// Builds and runs the model as the product does it.
    pub fn measure(&self, binary: &Path, work: &Path, model: &Path) -> Result<Cost> {
        let mut run = command(work, binary, ["model", "profile"]);
        run.arg(model).args(["--target", self.core, "--execute", "--json"]);
        let value: Value = serde_json::from_str(&captured(&mut run)?).context("model profile --json")?;
        let target = &value["targets"][0];
        anyhow::ensure!(target["basis"] == "measured", "{}: {}", self.name, target["how"]);
        anyhow::ensure!(target["bit_exact"] == true, "{}: the C differs from the interpreter", self.name);
        let number = |key: &str| target[key].as_f64().with_context(|| format!("{}: no {key}", self.name));
        let macs = value["macs"].as_f64().context("macs")?;
        Ok(Cost {
            per_mac: number("instructions")? / macs,
            ram: number("ram_bytes")?,
            flash: number("flash_bytes")?,
        })
    }

    /// The goals that are missed, in words.
    pub fn missed(&self, cost: &Cost) -> Vec<String> {
        [
            ("instructions per MAC", cost.per_mac, self.per_mac),
            ("bytes of RAM", cost.ram, self.ram),
            ("bytes of flash", cost.flash, self.flash),
        ]
        .iter()
        .filter(|(_, is, most)| is > most)
        .map(|(what, is, most)| format!("{} on {}: {is:.3} {what}, at most {most}", self.name, self.core))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_named() {
        let cost = Cost { per_mac: 1.2, ram: 100.0, flash: 50_000.0 };
        let missed = BUDGETS[0].missed(&cost);
        assert_eq!(missed.len(), 2, "{missed:?}");
        assert!(missed[0].contains("kws on cortex-m4f: 1.200 instructions per MAC"), "{missed:?}");
    }
}
