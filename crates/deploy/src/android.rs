//! Sources for Android: the library behind JNI functions, a Kotlin class, a ring buffer with an action, Gradle and CMake files.

use crate::{
    Library, VERSION,
    embedded::{put, sources},
    text::literal,
};
use edgewright_compile::FileTree;
use edgewright_impulse::Task;

/// A part of a package name: letters and digits alone, so that no name of a function needs escapes; no keyword.
pub(crate) fn package(prefix: &str) -> String {
    let name = prefix.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    if edgewright_compile::is_reserved(&name) { format!("model{name}") } else { name }
}

/// A Kotlin string literal.
fn kotlin(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Statements of Kotlin that name the result, `numbers` being what the C says.
fn outcome(library: &Library<'_>) -> String {
    let mut out = String::new();
    let mut at = 0;
    for learn in &library.impulse.learn {
        match &learn.task {
            Task::Classification { labels, min_confidence } => {
                out.push_str(&format!(
                    "        LABELS.forEachIndexed {{ i, label -> named[label] = numbers[{at} + i] }}\n"
                ));
                at += labels.len();
                if min_confidence.is_some() {
                    out.push_str(&format!("        named[\"uncertain\"] = numbers[{at}]\n"));
                    at += 1;
                }
            }
            Task::Regression => {
                out.push_str(&format!("        named[\"value\"] = numbers[{at}]\n"));
                at += 1;
            }
            Task::Anomaly { .. } => {
                out.push_str(&format!("        named[\"anomaly\"] = numbers[{at}]\n"));
                at += 1;
            }
            Task::Detection(d) => {
                let count = at + d.scores();
                out.push_str(&format!(
                    "        for (i in 0 until numbers[{count}].toInt()) {{\n            val b = {} + 6 * i\n            boxes.add(Box(LABELS[numbers[b].toInt()], numbers[b + 1].toInt(), numbers[b + 2].toInt(), numbers[b + 3].toInt(), numbers[b + 4].toInt(), numbers[b + 5]))\n        }}\n",
                    count + 1
                ));
                at = count + 1 + 6 * d.most();
            }
        }
    }
    out
}

fn jni(library: &Library<'_>) -> String {
    let (p, u) = (library.prefix, library.prefix.to_uppercase());
    let (name, numbers) = (package(p), library.impulse.result_len().max(1));
    let reset = match library.impulse.state_len() {
        0 => String::new(),
        _ => format!("    {p}_reset(&((Model *)(intptr_t)model)->handle);\n"),
    };
    format!(
        r#"/* The library for Kotlin and Java. Made by edgewright. A model lives from create to destroy; one thread at a time uses it. */
#include "{p}.h"
#include <jni.h>
#include <stdlib.h>

#define NUMBERS {numbers}

typedef struct {{
    {p}_t handle;
    uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
    float window[{u}_WINDOW_LEN];
    float numbers[NUMBERS];
}} Model;

static void refuse(JNIEnv *env, const char *kind, const char *words)
{{
    jclass type = (*env)->FindClass(env, kind);
    if (type != NULL) {{
        (*env)->ThrowNew(env, type, words);
    }}
}}

static void flatten({p}_result result, float *values)
{{
    int i = 0;
    (void)i;
    (void)values;
    (void)result;
{flatten}}}

JNIEXPORT jlong JNICALL Java_edgewright_{name}_Model_create(JNIEnv *env, jclass type)
{{
    Model *model = (Model *)calloc(1, sizeof *model);
    (void)type;
    if (model == NULL || {p}_init(&model->handle, model->arena, sizeof model->arena) != {u}_OK) {{
        free(model);
        refuse(env, "java/lang/OutOfMemoryError", "no memory for the model");
        return 0;
    }}
    return (jlong)(intptr_t)model;
}}

JNIEXPORT void JNICALL Java_edgewright_{name}_Model_destroy(JNIEnv *env, jclass type, jlong model)
{{
    (void)env;
    (void)type;
    free((Model *)(intptr_t)model);
}}

/* Forgets earlier windows. */
JNIEXPORT void JNICALL Java_edgewright_{name}_Model_reset(JNIEnv *env, jclass type, jlong model)
{{
    (void)type;
    if (model == 0) {{
        refuse(env, "java/lang/IllegalStateException", "the model is closed");
        return;
    }}
{reset}}}

JNIEXPORT jfloatArray JNICALL Java_edgewright_{name}_Model_classify(JNIEnv *env, jclass type, jlong model, jfloatArray window)
{{
    Model *m = (Model *)(intptr_t)model;
    {p}_signal signal;
    {p}_result result;
    jfloatArray out;
    (void)type;
    if (m == NULL || window == NULL) {{
        refuse(env, "java/lang/IllegalStateException", "the model is closed, or there is no window");
        return NULL;
    }}
    if ((*env)->GetArrayLength(env, window) != (jsize){u}_WINDOW_LEN) {{
        refuse(env, "java/lang/IllegalArgumentException", "the window has a wrong number of values");
        return NULL;
    }}
    (*env)->GetFloatArrayRegion(env, window, 0, (jsize){u}_WINDOW_LEN, m->window);
    signal = {p}_signal_f32(m->window);
    if ({p}_classify(&m->handle, &signal, &result) != {u}_OK) {{
        refuse(env, "java/lang/IllegalArgumentException", "a value of the window is not a number");
        return NULL;
    }}
    flatten(result, m->numbers);
    out = (*env)->NewFloatArray(env, NUMBERS);
    if (out != NULL) {{
        (*env)->SetFloatArrayRegion(env, out, 0, NUMBERS, m->numbers);
    }}
    return out;
}}
"#,
        flatten = edgewright_compile::harness::flatten(library.impulse),
    )
}

fn model(library: &Library<'_>) -> String {
    let p = library.prefix;
    let window = &library.impulse.window;
    let labels: Vec<String> = library.impulse.labels().iter().map(|l| kotlin(l)).collect();
    format!(
        r"// The model for Kotlin. Made by edgewright.
package edgewright.{name}

/** An object in a picture, in pixels of the window. */
data class Box(val label: String, val x: Int, val y: Int, val width: Int, val height: Int, val score: Float)

/** What the model says of a window: numbers by name, boxes of a model that finds objects. */
class Result(val named: Map<String, Float>, val boxes: List<Box>)

/** A model with the memory it works in. One thread at a time. */
class Model : AutoCloseable {{
    private var native: Long = create()

    /** From [WINDOW_LEN] values, all axes of a frame together, to the result. */
    @Throws(IllegalArgumentException::class)
    fun classify(window: FloatArray): Result {{
        val numbers = classify(native, window)
        val named = LinkedHashMap<String, Float>()
        val boxes = ArrayList<Box>()
{outcome}        return Result(named, boxes)
    }}

    /** The next window follows none. */
    fun reset() = reset(native)

    override fun close() {{
        destroy(native)
        native = 0
    }}

    companion object {{
        const val WINDOW_LEN = {len}
        const val STRIDE_LEN = {stride}
        const val AXES = {axes}
        const val RATE_HZ = {rate:?}
        val LABELS = listOf<String>({labels})

        init {{
            System.loadLibrary({p:?})
        }}

        @JvmStatic private external fun create(): Long
        @JvmStatic private external fun destroy(model: Long)
        @JvmStatic private external fun reset(model: Long)
        @JvmStatic private external fun classify(model: Long, window: FloatArray): FloatArray
    }}
}}
",
        name = package(p),
        outcome = outcome(library),
        len = window.values(),
        stride = window.stride * window.axes.len(),
        axes = window.axes.len(),
        rate = window.rate_hz,
        labels = labels.join(", "),
    )
}

const STREAM: &str = r"// Windows out of a stream, with what is done about them. Made by edgewright.
package edgewright.@NAME@

/** Push values as a sensor gives them; each full window is classified and handed to [act]. */
class Stream(private val model: Model, private val act: (Result) -> Unit) {
    private val ring = FloatArray(Model.WINDOW_LEN)
    private var filled = 0
    private var skip = 0

    fun push(vararg values: Float) {
        for (value in values) {
            if (skip > 0) {
                skip--
                continue
            }
            ring[filled++] = value
            if (filled == ring.size) {
                act(model.classify(ring))
                val dropped = minOf(Model.STRIDE_LEN, ring.size)
                ring.copyInto(ring, 0, dropped, ring.size)
                filled = ring.size - dropped
                skip = Model.STRIDE_LEN - dropped
            }
        }
    }
}
";

const APP: &str = r#"// An application: samples the accelerometer, classifies, acts. Made by edgewright.
package edgewright.@NAME@

import android.app.Activity
import android.hardware.Sensor
import android.hardware.SensorEvent
import android.hardware.SensorEventListener
import android.hardware.SensorManager
import android.os.Bundle
import android.widget.TextView

class MainActivity : Activity(), SensorEventListener {
    private val model = Model()
    private lateinit var text: TextView

    // What is done with a result: put your action here.
    private val stream = Stream(model) { result ->
        text.text = result.named.entries.joinToString("\n") { "${it.key}: ${it.value}" }
    }

    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        text = TextView(this)
        setContentView(text)
    }

    override fun onResume() {
        super.onResume()
        val sensors = getSystemService(SENSOR_SERVICE) as SensorManager
        val period = (1e6 / Model.RATE_HZ.coerceAtLeast(1.0)).toInt()
        sensors.registerListener(this, sensors.getDefaultSensor(Sensor.TYPE_ACCELEROMETER), period)
    }

    override fun onPause() {
        (getSystemService(SENSOR_SERVICE) as SensorManager).unregisterListener(this)
        super.onPause()
    }

    override fun onDestroy() {
        model.close()
        super.onDestroy()
    }

    // The axes in the order and the units of the model; a microphone or a camera takes this place where the model hears or sees.
    override fun onSensorChanged(event: SensorEvent) {
        stream.push(*FloatArray(Model.AXES) { event.values.getOrElse(it) { 0f } })
    }

    override fun onAccuracyChanged(sensor: Sensor, accuracy: Int) {}
}
"#;

pub(crate) fn android(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let name = package(p);
    let mut tree = sources(library, "", "app/src/main/cpp/", "app/src/main/cpp/");
    let kotlin = format!("app/src/main/java/edgewright/{name}");
    put(&mut tree, "app/src/main/cpp/model_jni.c", jni(library));
    put(
        &mut tree,
        "app/src/main/cpp/CMakeLists.txt",
        format!(
            "cmake_minimum_required(VERSION 3.13)\nproject({p} VERSION {VERSION} LANGUAGES C)\n\nadd_library({p} SHARED {p}.c model_jni.c)\nset_target_properties({p} PROPERTIES C_STANDARD 99)\ntarget_link_libraries({p} PRIVATE m)\n# Pages of 16 KiB, which newer phones have.\ntarget_link_options({p} PRIVATE -Wl,-z,max-page-size=16384)\n"
        ),
    );
    put(&mut tree, &format!("{kotlin}/Model.kt"), model(library));
    put(&mut tree, &format!("{kotlin}/Stream.kt"), STREAM.replace("@NAME@", &name));
    put(&mut tree, &format!("{kotlin}/MainActivity.kt"), APP.replace("@NAME@", &name));
    put(
        &mut tree,
        "app/src/main/AndroidManifest.xml",
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<manifest xmlns:android=\"http://schemas.android.com/apk/res/android\">\n  <application android:label=\"classify\">\n    <activity android:name=\".MainActivity\" android:exported=\"true\">\n      <intent-filter>\n        <action android:name=\"android.intent.action.MAIN\"/>\n        <category android:name=\"android.intent.category.LAUNCHER\"/>\n      </intent-filter>\n    </activity>\n  </application>\n</manifest>\n",
    );
    put(
        &mut tree,
        "app/build.gradle.kts",
        format!(
            "plugins {{\n    id(\"com.android.application\")\n    id(\"org.jetbrains.kotlin.android\")\n}}\n\nandroid {{\n    namespace = {0}\n    compileSdk = 34\n    defaultConfig {{\n        applicationId = {0}\n        minSdk = 24\n        targetSdk = 34\n        versionCode = 1\n        versionName = {1}\n    }}\n    externalNativeBuild {{\n        cmake {{\n            path = file(\"src/main/cpp/CMakeLists.txt\")\n        }}\n    }}\n}}\n",
            literal(&format!("edgewright.{name}")),
            literal(VERSION)
        ),
    );
    put(
        &mut tree,
        "settings.gradle.kts",
        "pluginManagement {\n    repositories {\n        google()\n        mavenCentral()\n        gradlePluginPortal()\n    }\n    plugins {\n        id(\"com.android.application\") version \"8.5.2\"\n        id(\"org.jetbrains.kotlin.android\") version \"2.0.20\"\n    }\n}\ndependencyResolutionManagement {\n    repositories {\n        google()\n        mavenCentral()\n    }\n}\nrootProject.name = \"classify\"\ninclude(\":app\")\n",
    );
    put(
        &mut tree,
        "ANDROID.md",
        format!(
            "# {p} on Android\n\nOpen the folder in Android Studio with an NDK, or run `gradle assembleDebug`. In an application of your own take `app/src/main/cpp` into its CMake\nbuild and the classes `edgewright.{name}.Model` and `Stream`. `Stream` keeps the ring buffer and calls your action with each result;\n`MainActivity` feeds it from the accelerometer.\n"
        ),
    );
    tree
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_package_is_a_keyword() {
        assert_eq!(
            ["my_gestures", "in_t", "fu_n"].map(super::package),
            ["mygestures", "modelint", "modelfun"]
        );
    }
}
