use super::{host::verify_files, *};
use crate::native::fixture::{impulse, starter};
use edgewright_compile::{Options, compile, target};

const RANDOM: RandomCases = RandomCases { count: 4000, seed: 7 };

/// What the proof says of code in which the first of two texts is the second.
fn proof(from: &str, to: &str) -> HostProof {
    let impulse = impulse();
    let target = target::all().iter().find(|t| t.id == "host").expect("a target");
    let mut tree = compile(&impulse, target, &Options::default()).expect("compiled");
    let code = tree.get_mut("sounds.c").expect("the library");
    let text = String::from_utf8(code.clone()).expect("text");
    assert!(text.contains(from), "{from:?} is not in the code");
    *code = text.replacen(from, to, 1).into_bytes();
    verify_files(&impulse, &tree, &mut std::iter::empty(), RANDOM).expect("proven")
}

/// Behind the features: what a bug in there would do to them.
const END: &str = "    return status;\n}\n\nstatic void sounds_infer";

fn bug(code: &str) -> HostProof {
    proof(END, &format!("{code}{END}"))
}

#[test]
fn code_as_it_was_emitted_is_proven() {
    let proof = bug("");
    assert_eq!((proof.mismatch, proof.cases), (None, RANDOM.count));
}

#[test]
fn a_turned_bit_of_a_weight_is_found() {
    // 0.05 and its neighbour.
    let found = proof("5.00000007e-2f", "5.00000045e-2f").mismatch.expect("is found");
    assert!(found.contains("instead of"), "{found}");
}

#[test]
fn code_that_takes_what_is_no_number_is_found() {
    let found = bug("    status = EW_OK;\n").mismatch.expect("is found");
    assert!(found.contains("instead of"), "{found}");
    // Also where only one kind of it slips through.
    let infinite =
        "    if (status == EW_ERROR_NOT_FINITE && all[0] > 0.0f) {\n        status = EW_OK;\n    }\n";
    bug(infinite).mismatch.expect("is found");
}

#[test]
fn code_that_is_wrong_for_short_windows_alone_is_found() {
    let short =
        "    if (all[13] != 0.0f && all[14] == 0.0f && all[15] == 0.0f) {\n        all[0] += 1.0f;\n    }\n";
    let found = bug(short).mismatch.expect("is found");
    assert!(found.contains("instead of"), "{found}");
}

#[test]
fn code_that_does_not_compile_cleanly_is_found() {
    let found = bug("    int unused;\n").mismatch.expect("is found");
    assert!(found.contains("unused"), "{found}");
}

#[test]
fn random_windows_hold_what_they_should() {
    let impulse = impulse();
    let windows: Vec<Vec<f32>> = RANDOM.cases().map(|mut case| case.window.take(&impulse)).collect();
    let count = |what: &dyn Fn(&[f32]) -> bool| windows.iter().filter(|w| what(w)).count();
    assert!(count(&|w| w[0].is_nan()) > 5);
    assert!(count(&|w| w[0] == f32::INFINITY) > 5 && count(&|w| w[0] == f32::NEG_INFINITY) > 5);
    assert!(count(&|w| w.iter().all(|v| *v == 0.0)) > 50, "silence");
    assert!(count(&|w| w.contains(&32767.0)) > 50, "full scale");
    for end in 1..16 {
        let short = |w: &[f32]| w[end - 1] != 0.0 && w[end..].iter().all(|v| *v == 0.0);
        assert!(count(&short) > 5, "windows that end after {end} values");
    }
}

#[test]
fn other_processors_agree_bit_for_bit() {
    let impulse = impulse();
    for id in ["x86-64-linux", "aarch64-linux", "armv7-linux"] {
        if starter(id).is_none() {
            continue;
        }
        let target = target::all().iter().find(|t| t.id == id).expect("a target");
        let random = RandomCases { count: 500, seed: 1 };
        let proof = verify_linux(&impulse, target, &mut std::iter::empty(), random).expect("proven");
        assert_eq!((proof.mismatch, proof.cases, proof.builds.len()), (None, 500, 2), "{id}");
    }
}
