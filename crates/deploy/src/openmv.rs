//! Package for OpenMV cameras: the network as a TFLite file, its labels, a script.

use crate::{DeployError, Library, VERSION, embedded::put};
use edgewright_compile::FileTree;
use edgewright_impulse::Task;

const HEAD: &str = r#"# Made by edgewright. Copy all files to the camera's drive; this one as main.py.
import ml
import sensor
import time

sensor.reset()
sensor.set_pixformat(sensor.@FORMAT@)
sensor.set_framesize(sensor.QVGA)
sensor.skip_frames(time=2000)

model = ml.Model("trained.tflite", load_to_fb=True)
labels = [line.rstrip("\n") for line in open("labels.txt")]
# The network takes pixels from 0 to 1.
normalise = ml.preprocessing.Normalization(scale=(0.0, 1.0))
clock = time.clock()

"#;

const CLASSES: &str = r#"
# What is done with a result.
def act(label, score):
    print("%s %.3f, %.1f pictures a second" % (label, score, clock.fps()))


while True:
    clock.tick()
    scores = model.predict([normalise(sensor.snapshot())])[0].flatten().tolist()
    best = max(range(len(labels)), key=lambda i: scores[i])
    act(labels[best], scores[best])
"#;

const CELLS: &str = r#"ROWS, COLUMNS, THRESHOLD = @ROWS@, @COLUMNS@, @THRESHOLD@


# What is done with an object: its label, the middle of its cells in the picture, its score.
def act(picture, label, x, y, score):
    picture.draw_cross(x, y, size=8)
    print("%s %d %d %.3f" % (label, x, y, score))


# Cells of one label that touch are one object.
def objects(scores, label, width):
    left = set()
    for cell in range(ROWS * COLUMNS):
        if scores[cell * width + label] >= THRESHOLD:
            left.add(cell)
    while left:
        group = [left.pop()]
        for cell in group:
            row, column = cell // COLUMNS, cell % COLUMNS
            for r in range(row - 1, row + 2):
                for c in range(column - 1, column + 2):
                    near = r * COLUMNS + c
                    if 0 <= c < COLUMNS and near in left:
                        left.remove(near)
                        group.append(near)
        yield group


while True:
    clock.tick()
    picture = sensor.snapshot()
    scores = model.predict([normalise(picture)])[0].flatten().tolist()
    width = len(labels) + 1  # the background is first
    for i, name in enumerate(labels):
        for group in objects(scores, i + 1, width):
            rows = sum(cell // COLUMNS + 0.5 for cell in group) / len(group)
            columns = sum(cell % COLUMNS + 0.5 for cell in group) / len(group)
            best = max(scores[cell * width + i + 1] for cell in group)
            act(picture, name, int(columns * picture.width() / COLUMNS), int(rows * picture.height() / ROWS), best)
"#;

/// The files, or why the impulse is none for a camera.
pub(crate) fn openmv(library: &Library<'_>) -> Result<FileTree, DeployError> {
    let impulse = library.impulse;
    let unfit = |reason: String| DeployError::Unfit { kind: "openmv".into(), reason };
    let ([block], [learn]) = (&impulse.dsp[..], &impulse.learn[..]) else {
        return Err(unfit("it takes one image block and one learning block".into()));
    };
    if impulse.window.image.is_none() || block.block != "image" || block.keep.is_some() {
        return Err(unfit(format!(
            "the camera's interpreter takes pictures, and this impulse computes `{}` from a window; take the C library",
            block.block
        )));
    }
    let body = match &learn.task {
        Task::Classification { .. } => CLASSES.to_owned(),
        Task::Detection(d) => CELLS
            .replace("@ROWS@", &d.rows.to_string())
            .replace("@COLUMNS@", &d.columns.to_string())
            .replace("@THRESHOLD@", &format!("{:?}", d.threshold)),
        Task::Regression | Task::Anomaly { .. } => {
            return Err(unfit("it takes a classifier or a network that finds objects".into()));
        }
    };
    let labels = impulse.labels();
    if let Some(label) = labels.iter().find(|l| l.contains(['\n', '\r'])) {
        return Err(unfit(format!(
            "the label {label:?} has a line break, and labels.txt has one label a line"
        )));
    }
    let model = edgewright_compile::tflite(&learn.graph).map_err(|e| unfit(e.to_string()))?;
    let colour = block.features() == 3 * impulse.window.frames;
    let mut tree = FileTree::from([("trained.tflite".to_owned(), model)]);
    put(&mut tree, "labels.txt", labels.iter().map(|l| format!("{l}\n")).collect::<String>());
    put(
        &mut tree,
        "classify.py",
        HEAD.replace("@FORMAT@", if colour { "RGB565" } else { "GRAYSCALE" }) + &body,
    );
    put(
        &mut tree,
        "README.md",
        format!(
            "# {} for OpenMV\n\nMade by edgewright {VERSION}. Copy `trained.tflite`, `labels.txt` and `classify.py` (as `main.py`) to the drive of a camera with firmware 4.5.9 or\nnewer. `act` is where your application goes. The camera scales and crops pictures, and computes the network, by means of its own; its scores may differ from\nthose of the C library in the last places.\n",
            library.prefix
        ),
    );
    Ok(tree)
}
