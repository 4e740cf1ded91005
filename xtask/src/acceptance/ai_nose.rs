//! Eight smells before a board of gas sensors, at two sites; every fourth file tests.

use super::{Project, Set, files};

/// A forest on mean and deviation of the channels reaches 0.973. A forest learns nothing from what would watch it, so nearly all of the
/// other files train it, as they do that one.
pub const SET: Set = Set {
    name: "ai-nose",
    folder: "ai-nose",
    template: "empty",
    figure: "accuracy",
    floor: Some(0.95),
    baseline: Some(0.973),
    prepare: |project| {
        let mut number = 0;
        for site in ["office", "outdoors"] {
            for (path, name) in files(&project.data.join(site))? {
                number += 1;
                let side = if number % 4 == 0 { "testing" } else { "training" };
                // The label stands before the first dot.
                let (label, rest) = name.split_once('.').unwrap_or((&name, ""));
                project.stage(&path, side, &format!("{label}.{site}.{rest}"))?;
            }
        }
        project.import_stage(&["--label-from", "name"])?;
        project.configure(
            "[split]\nvalidation = 0.02\n[impulse]\nwindow_ms = 2000\nstride_ms = 2000\n[[impulse.dsp]]\nblock = \"flatten\"\n\
             [[impulse.learn]]\nkind = \"classifier\"\nmethod = \"random_forest\"\ntrees = 100\nmax_depth = 16\nmin_leaf = 1\n",
        )
    },
    go: Project::go,
};
