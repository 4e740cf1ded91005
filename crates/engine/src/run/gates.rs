//! What a run came to: its report out of what the stages left, and the gates that were missed.

use super::{Results, RunReport, TestReport};
use crate::{
    project::ContractSection,
    session::Session,
    stages::{
        prove::{Proof, VerifyRecord},
        slices,
        split::Side,
        test::Tested,
    },
};

/// Targets that differ, and limits of the contract that are passed. `whole`: whether these are all targets of the project, so that a
/// limit nothing was measured against is not kept.
pub(super) fn proof_gates(session: &Session<'_>, proof: &Proof, whole: bool) -> Vec<String> {
    let mut missed = differing(proof);
    missed.extend(broken(&session.project.file.contract, &proof.records, whole));
    missed
}

fn differing(proof: &Proof) -> Vec<String> {
    proof
        .records
        .iter()
        .filter(|r| r.bit_exact == Some(false))
        .map(|r| {
            format!(
                "verify: {} does not agree bit for bit: {}",
                r.target,
                r.mismatch.as_deref().unwrap_or("")
            )
        })
        .collect()
}

/// Limits that are passed, with who passes them and by how much.
fn broken(contract: &ContractSection, records: &[VerifyRecord], whole: bool) -> Vec<String> {
    type Measured = fn(&VerifyRecord) -> Option<u64>;
    let limits: [(&str, &str, Option<u64>, Measured); 3] = [
        ("max_flash_bytes", "bytes of flash", contract.max_flash_bytes, |r| r.flash_bytes),
        ("max_ram_bytes", "bytes of RAM", contract.max_ram_bytes, |r| r.ram_bytes),
        ("max_instructions", "instructions a window", contract.max_instructions, |r| {
            r.instructions.map(|i| i.dsp + i.network)
        }),
    ];
    let mut out = Vec::new();
    for (key, what, limit, measured) in limits {
        let Some(limit) = limit else { continue };
        let mut any = false;
        for record in records {
            let Some(value) = measured(record) else { continue };
            any = true;
            if value > limit {
                out.push(format!(
                    "contract.{key}: {} needs {value} {what}, more than {limit}",
                    record.target
                ));
            }
        }
        if !any && whole {
            out.push(format!(
                "contract.{key}: nothing measured {what}: no emulated board is among `deploy.targets`, or its tools are missing (`edgewright doctor`)"
            ));
        }
    }
    out
}

pub(crate) fn summarise(session: &Session<'_>, r: &Results) -> RunReport {
    let mut report = RunReport {
        project: session.project.file.project.name.clone(),
        seed: session.seed,
        ..RunReport::default()
    };
    let records = [
        r.bronze.as_ref().map(|s| &s.record),
        r.silver.as_ref().map(|s| &s.record),
        r.split.as_ref().map(|s| &s.record),
        r.gold.as_ref().map(|s| &s.record),
        r.trained.as_ref().map(|s| &s.record),
        r.tested.as_ref().map(|s| &s.record),
        r.built.as_ref().map(|s| &s.record),
        r.proof.as_ref().map(|s| &s.record),
        r.reported.as_ref(),
    ];
    report.stages = records.into_iter().flatten().cloned().collect();
    if let Some(bronze) = &r.bronze {
        report.data.samples = bronze.value.count;
        report.data.quarantined = bronze.value.quarantined.len();
        report.data.labels.clone_from(&bronze.value.labels);
    }
    if let Some(silver) = &r.silver {
        report.data.samples = silver.value.samples.len();
        report.data.quarantined += silver.value.rejected.len();
        report.data.duplicates = silver.value.duplicates;
        report.data.labels = silver.value.labels();
    }
    if let Some(split) = &r.split {
        report.data.testing = split.value.sides.iter().filter(|s| **s == Side::Testing).count();
        report.data.training = split.value.sides.len() - report.data.testing;
    }
    if let Some(trained) = &r.trained {
        report.training = trained.value.learn.iter().map(Into::into).collect();
    }
    if let Some(tested) = &r.tested {
        report.test = Some(TestReport {
            float: (&tested.value.float).into(),
            int8: (&tested.value.int8).into(),
            c: r.proof.as_ref().and_then(|p| p.value.c.as_ref()).map(Into::into),
            uncertainty: tested.value.uncertainty.clone(),
            rule: tested.value.rule.clone(),
            slices: tested.value.slices.clone(),
            verdicts: tested.value.verdicts.clone(),
        });
        report.missed.extend(gates(session, &tested.value));
    }
    if let Some(built) = &r.built {
        report.artifacts.clone_from(&built.value.artifacts);
    }
    if let Some(proof) = &r.proof {
        report.verify.clone_from(&proof.value.records);
        report.missed.extend(proof_gates(session, &proof.value, true));
    }
    if r.reported.is_some() {
        report.report = Some(session.project.report_dir().join("report.html").display().to_string());
    }
    report
}

/// The floors of the project that the figures missed.
fn gates(session: &Session<'_>, tested: &Tested) -> Vec<String> {
    let floors = &session.project.file.evaluation;
    let mut missed = Vec::new();
    let int8 = &tested.int8;
    // A floor that nothing is held against says nothing; it is not reached.
    let none = |key: &str, what: &str| {
        format!(
            "evaluation.{key}: there is no {what} to hold it against: no test window gives one (`split.test`, labels, kind of learning block)"
        )
    };
    for (key, what, floor, value) in [
        ("min_accuracy", "accuracy", floors.min_accuracy, int8.accuracy),
        ("min_auroc", "AUROC", floors.min_auroc, int8.auroc),
        ("min_f1", "F1 of objects", floors.min_f1, int8.f1),
        ("min_r2", "R2", floors.min_r2, int8.r2),
    ] {
        match (floor, value) {
            // Neither is one that is no number.
            (Some(floor), Some(value)) if value.is_nan() || value < floor => {
                let hint = if floor > 1.0 { "; the figure is a share of 1" } else { "" };
                missed.push(format!("evaluation.{key}: {value:.4} is below {floor}{hint}"));
            }
            (Some(_), None) => missed.push(none(key, what)),
            _ => {}
        }
    }
    if let Some(limit) = floors.max_int8_loss {
        match (tested.float.accuracy.or(tested.float.f1), int8.accuracy.or(int8.f1)) {
            (Some(f), Some(i)) if (f - i) * 100.0 > limit => missed.push(format!(
                "evaluation.max_int8_loss: int8 loses {:.2} points, more than {limit}",
                (f - i) * 100.0
            )),
            (Some(_), Some(_)) => {}
            _ => missed.push(none("max_int8_loss", "accuracy or F1 of objects")),
        }
    }
    missed.extend(slices::missed(floors, &tested.slices));
    missed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::prove::Instructions;

    fn record(target: &str, flash: Option<u64>, instructions: Option<u64>) -> VerifyRecord {
        serde_json::from_value(serde_json::json!({
            "target": target, "bit_exact": true, "cases": 1, "builds": [],
            "flash_bytes": flash, "ram_bytes": flash.map(|f| f / 2),
            "instructions": instructions.map(|n| Instructions { dsp: n, network: 1 }),
        }))
        .expect("a record")
    }

    #[test]
    fn a_contract_names_who_breaks_it_and_what_nobody_measured() {
        let records = [
            record("host", None, None),
            record("small", Some(1000), Some(9)),
            record("large", Some(3000), None),
        ];
        let contract = ContractSection {
            max_flash_bytes: Some(2000),
            max_ram_bytes: Some(1500),
            max_instructions: Some(9),
        };
        let broken = super::broken(&contract, &records, true);
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert_eq!(broken[0], "contract.max_flash_bytes: large needs 3000 bytes of flash, more than 2000");
        assert_eq!(broken[1], "contract.max_instructions: small needs 10 instructions a window, more than 9");
        assert!(super::broken(&ContractSection::default(), &records, true).is_empty());
        let unmeasured = super::broken(&contract, &records[..1], true);
        assert!(
            unmeasured.len() == 3 && unmeasured[0].contains("nothing measured bytes of flash"),
            "{unmeasured:?}"
        );
        assert!(super::broken(&contract, &records[..1], false).is_empty());
    }
}
