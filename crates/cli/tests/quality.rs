//! `data scan` on sets with known defects: what it finds, and what it says of samples that are as they should be.

mod common;

use common::Bench;
use edgewright_generate::defects::{self, Defect, Entry};
use std::collections::{BTreeMap, BTreeSet};

/// Share of the findings that are right, and of the defects that are found.
const FLOOR: f64 = 0.95;

/// What a finding is about; none where it is about the set as a whole.
fn meant(kind: &str) -> &'static [Defect] {
    match kind {
        "axis_missing" | "unlabelled" | "missing_values" => &[Defect::Missing],
        "not_finite" => &[Defect::NotANumber, Defect::Missing],
        "quarantined" => &[Defect::Truncated, Defect::NotANumber, Defect::Missing],
        "clipped" => &[Defect::Clipped],
        "stuck" | "constant" | "silent" => &[Defect::Stuck],
        "other_rate" | "wrong_rate" => &[Defect::Rate],
        "short" => &[Defect::Truncated],
        "duplicate" | "label_conflict" => &[Defect::Copy],
        "near_duplicate" => &[Defect::NearCopy],
        "label_typo" => &[Defect::Label],
        "class_too_small" | "imbalance" | "leakage" | "resampled_far" => &[],
        other => panic!("a finding of an unknown kind: {other}"),
    }
}

/// Findings that were right, that were not, and defects that were not found.
#[derive(Default, Debug)]
struct Tally {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Tally {
    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }
    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }
}

/// Holds the findings of one set against what is known of it.
fn judge(
    entries: &[Entry],
    template: &str,
    settings: &str,
    tallies: &mut BTreeMap<Defect, Tally>,
    errors: &mut Vec<String>,
) {
    let bench = Bench::new(template);
    bench.append(settings);
    for e in entries {
        let folder = if e.name.contains('/') { "data" } else { "unlabelled" };
        bench.write(&format!("{folder}/{}", e.name), &e.bytes);
    }
    assert!(bench.run(&["data", "import", "data", "--project", "project"]).status.success());
    if entries.iter().any(|e| !e.name.contains('/')) {
        let args =
            ["data", "import", "unlabelled", "--project", "project", "--label-from", "name:^label_(.*)"];
        let out = bench.run(&args);
        assert!(out.status.success(), "{}", common::text(&out));
    }
    let out = bench.json(&["data", "scan", "--project", "project", "--json"]);
    let findings = out["findings"].as_array().unwrap_or_else(|| panic!("{out}"));
    // Of each sample what is said of it.
    let mut said: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for f in findings {
        let (name, kind) = (f["sample"].as_str().expect("name"), f["kind"].as_str().expect("kind"));
        assert!(!name.is_empty() || meant(kind).is_empty(), "{f} names no sample");
        said.entry(name).or_default().insert(kind);
    }
    let mut answered = BTreeSet::new();
    for e in entries {
        let Some(defect) = e.defect else { continue };
        // Of a pair of copies it does not matter which one is named.
        let names = [Some(e.name.as_str()), e.of.as_deref()];
        let hit = names.into_iter().flatten().find_map(|name| {
            let kind = said.get(name)?.iter().find(|kind| meant(kind).contains(&defect))?;
            Some((name, *kind))
        });
        match hit {
            Some((name, kind)) => {
                answered.insert((name, kind));
                // What is too fast is also too short; an axis that comes to its limit once stays there.
                match defect {
                    Defect::Rate => answered.insert((name, "short")),
                    Defect::Clipped => answered.insert((name, "stuck")),
                    _ => true,
                };
                tallies.entry(defect).or_default().right += 1;
            }
            None => {
                errors.push(format!(
                    "missed {defect:?} ({}) of {}: {:?}",
                    e.how,
                    e.name,
                    said.get(e.name.as_str())
                ));
                tallies.entry(defect).or_default().missed += 1;
            }
        }
    }
    for f in findings {
        let (name, kind) = (f["sample"].as_str().expect("name"), f["kind"].as_str().expect("kind"));
        if let Some(about) = meant(kind).first()
            && !answered.contains(&(name, kind))
        {
            errors.push(format!("wrong {kind} of {name}: {}", f["message"]));
            tallies.entry(*about).or_default().wrong += 1;
        }
    }
}

fn measure(seed: u64) {
    let (mut tallies, mut errors) = (BTreeMap::new(), Vec::new());
    let sounds = defects::sounds(seed).expect("sounds");
    judge(&sounds, "empty", "", &mut tallies, &mut errors);
    judge(&defects::motions(seed).expect("motions"), "empty", "", &mut tallies, &mut errors);
    judge(&defects::pictures(seed).expect("pictures"), "empty", "", &mut tallies, &mut errors);
    let mut all = Tally::default();
    let mut table = String::new();
    for (defect, t) in &tallies {
        table.push_str(&format!(
            "{defect:?}: precision {:.3}, recall {:.3} ({t:?})\n",
            t.precision(),
            t.recall()
        ));
        all.right += t.right;
        all.wrong += t.wrong;
        all.missed += t.missed;
    }
    let table = format!("seed {seed}\n{table}all: {all:?}\n{}", errors.join("\n"));
    eprintln!("{table}");
    assert_eq!(tallies.len(), 9, "{table}");
    for t in tallies.values().chain([&all]) {
        assert!(t.precision() >= FLOOR && t.recall() >= FLOOR, "{table}");
    }
}

#[test]
fn defects_are_found_and_good_samples_left_alone() {
    [1, 2].into_iter().for_each(measure);
}

/// Seeds that no threshold was chosen on.
#[test]
fn of_seeds_that_were_never_looked_at_as_well() {
    [8101, 8102, 8103].into_iter().for_each(measure);
}

/// A copy with another gain and noise on the other side of the split is told by the run, and the scan names both.
#[test]
fn near_duplicates_on_both_sides_are_a_leak() {
    let bench = Bench::new("empty");
    for (i, hz) in (0..12u32).flat_map(|i| [(i, 300.0), (i, 900.0)]) {
        let label = if hz < 500.0 { "low" } else { "high" };
        bench.write(&format!("train/{label}/{i}.wav"), common::tone(hz + f64::from(i), u64::from(i)));
    }
    let mut copy = common::tone(304.0, 4);
    let mut noise = common::Noise(5);
    for value in copy[44..].as_chunks_mut::<2>().0 {
        *value = ((f64::from(i16::from_le_bytes(*value)) * 0.7 + 40.0 * noise.next()) as i16).to_le_bytes();
    }
    bench.write("test/low/copy.wav", copy);
    bench.write("test/high/other.wav", common::tone(905.0, 77));
    for (folder, side) in [("train", "training"), ("test", "testing")] {
        assert!(
            bench
                .run(&["data", "import", folder, "--category", side, "--project", "project"])
                .status
                .success()
        );
    }
    let out = bench.run(&["run", "project", "--until", "split"]);
    let told = common::text(&out);
    assert!(told.contains("signs of leakage") && told.contains("low/4.wav and low/copy.wav"), "{told}");
    let out = bench.json(&["data", "scan", "--project", "project", "--json"]);
    let of = |kind: &str| -> Vec<&str> {
        let all = out["findings"].as_array().expect("findings").iter();
        all.filter(|f| f["kind"] == kind).filter_map(|f| f["message"].as_str()).collect()
    };
    assert_eq!((of("leakage").len(), of("near_duplicate").len()), (1, 1), "{out}");
    assert!(
        of("near_duplicate")[0].contains("low/4.wav")
            && of("near_duplicate")[0].contains("0.70 times as strong"),
        "{out}"
    );
}
