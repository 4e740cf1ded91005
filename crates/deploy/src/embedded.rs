//! Packages for build systems and for kits of microcontrollers; those for the tools of Arm are in `packs`.

use crate::{
    DeployError, Library, VERSION, cpp,
    example::{Platform, application},
};
use edgewright_compile::FileTree;

pub(crate) const DESKTOP: Platform = Platform {
    head: "#include \"@P@.h\"\n#include <stdio.h>",
    print: "    printf(\"%s %f\\n\", name, value);",
    wait: "    (void)period_us; /* sleep here */",
    main: "/* Two windows of silence; a device would go on for ever. */\nint main(void)\n{\n    long i;\n    int status = begin();\n    for (i = 0; status == 0 && i < 2000000l && i < 2l * (long)(sizeof ring / sizeof ring[0]); i++) {\n        status = step();\n    }\n    return status == 0 ? 0 : 1;\n}\n",
};

const ARDUINO: Platform = Platform {
    head: "#include <Arduino.h>\n#include <@P@.h>",
    print: "    Serial.print(name);\n    Serial.print(' ');\n    Serial.println(value, 4);",
    wait: "    delayMicroseconds((unsigned int)period_us);",
    main: "void setup()\n{\n    Serial.begin(115200);\n    if (begin() != 0) {\n        Serial.println(\"the arena is too small\");\n    }\n}\n\nvoid loop()\n{\n    if (step() != 0) {\n        Serial.println(\"a window could not be classified\");\n    }\n}\n",
};

const PARTICLE: Platform = Platform {
    head: "#include \"Particle.h\"\n#include \"@P@.h\"",
    print: "    Serial.printlnf(\"%s %f\", name, value);",
    wait: ARDUINO.wait,
    main: ARDUINO.main,
};

const ZEPHYR: Platform = Platform {
    head: "#include \"@P@.h\"\n#include <zephyr/kernel.h>\n#include <zephyr/sys/printk.h>",
    print: "    printk(\"%s %d.%04d\\n\", name, (int)value, (int)((value - (double)(int)value) * 10000.0));",
    wait: "    k_usleep((int32_t)period_us);",
    main: "int main(void)\n{\n    int status = begin();\n    while (status == 0) {\n        status = step();\n    }\n    return status;\n}\n",
};

const ESP: Platform = Platform {
    head: "#include \"@P@.h\"\n#include \"freertos/FreeRTOS.h\"\n#include \"freertos/task.h\"\n#include <stdio.h>",
    print: DESKTOP.print,
    wait: "    vTaskDelay(pdMS_TO_TICKS(period_us / 1000ul));",
    main: "void app_main(void)\n{\n    int status = begin();\n    while (status == 0) {\n        status = step();\n    }\n    printf(\"stopped with %d\\n\", status);\n}\n",
};

const PICO: Platform = Platform {
    head: "#include \"@P@.h\"\n#include \"pico/stdlib.h\"\n#include <stdio.h>",
    print: DESKTOP.print,
    wait: "    sleep_us(period_us);",
    main: "int main(void)\n{\n    int status;\n    stdio_init_all();\n    status = begin();\n    while (status == 0) {\n        status = step();\n    }\n    return status;\n}\n",
};

/// Sources below a folder, headers below another, the page at the root; each path behind `root`.
pub(crate) fn sources(library: &Library<'_>, root: &str, source: &str, include: &str) -> FileTree {
    let p = library.prefix;
    let mut tree = FileTree::new();
    for (name, folder) in [
        (format!("{p}.c"), source),
        (format!("{p}.h"), include),
        (format!("{p}.hpp"), include),
        ("README.md".to_owned(), ""),
    ] {
        if let Some(bytes) = library.files.get(&name) {
            tree.insert(format!("{root}{folder}{name}"), bytes.clone());
        }
    }
    tree
}

pub(crate) fn put(tree: &mut FileTree, path: &str, text: impl Into<String>) {
    tree.insert(path.to_owned(), text.into().into_bytes());
}

pub(crate) fn cmake(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let mut tree = sources(library, "", "src/", "include/");
    put(
        &mut tree,
        "CMakeLists.txt",
        format!(
            "cmake_minimum_required(VERSION 3.13)\nproject({p} VERSION {VERSION} LANGUAGES C)\n\nadd_library({p} STATIC src/{p}.c)\ntarget_include_directories({p} PUBLIC include)\nset_target_properties({p} PROPERTIES C_STANDARD 99)\nif(UNIX)\n  target_link_libraries({p} PUBLIC m)\nendif()\n\nif(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)\n  add_executable({p}_example examples/classify.c)\n  target_link_libraries({p}_example PRIVATE {p})\n  enable_testing()\n  add_test(NAME example COMMAND {p}_example)\n  if(EXISTS ${{CMAKE_CURRENT_SOURCE_DIR}}/selftest/selftest.c)\n    add_executable({p}_selftest selftest/selftest.c)\n    target_link_libraries({p}_selftest PRIVATE {p})\n    add_test(NAME selftest COMMAND {p}_selftest)\n  endif()\nendif()\n"
        ),
    );
    put(&mut tree, "examples/classify.c", application(library, &DESKTOP));
    tree
}

pub(crate) fn arduino(library: &Library<'_>) -> Result<FileTree, DeployError> {
    let p = library.prefix;
    let root = format!("{p}/");
    let mut tree = sources(library, &root, "src/", "src/");
    cpp::adapter(library, &mut tree, &format!("{root}src/"), &format!("../{p}.h"))?;
    put(
        &mut tree,
        &format!("{root}src/{p}_inferencing.h"),
        format!(
            "/* For sketches that were written for a library of Edge Impulse: the names they call. Made by edgewright. */\n#ifndef EW_{u}_INFERENCING_H\n#define EW_{u}_INFERENCING_H\n\n#include \"edge-impulse-sdk/classifier/ei_run_classifier.h\"\n#include \"edge-impulse-sdk/dsp/image/image.hpp\"\n\n#endif\n",
            u = p.to_uppercase()
        ),
    );
    put(
        &mut tree,
        &format!("{root}library.properties"),
        format!(
            "name={p}\nversion={VERSION}\nauthor={vendor}\nmaintainer={vendor}\nsentence=A trained model with its signal processing.\nparagraph=From a window of sensor values to a result, without a heap.\ncategory=Data Processing\nurl={url}\narchitectures=*\nincludes={p}.h\n",
            vendor = library.about.vendor,
            url = library.about.page(p),
        ),
    );
    put(
        &mut tree,
        &format!("{root}keywords.txt"),
        format!("{p}_init\tKEYWORD2\n{p}_classify\tKEYWORD2\n{p}_result\tKEYWORD1\n"),
    );
    put(&mut tree, &format!("{root}examples/classify/classify.ino"), application(library, &ARDUINO));
    Ok(tree)
}

pub(crate) fn particle(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let mut tree = sources(library, "", "src/", "src/");
    put(
        &mut tree,
        "library.properties",
        format!(
            "name={p}\nversion={VERSION}\nauthor={}\nlicense={}\nurl={}\nsentence=A trained model with its signal processing.\narchitectures=*\n",
            library.about.vendor,
            library.about.licence,
            library.about.page(p),
        ),
    );
    put(&mut tree, "examples/classify/classify.ino", application(library, &PARTICLE));
    tree
}

pub(crate) fn zephyr(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let u = p.to_uppercase();
    let mut tree = sources(library, "", "src/", "include/");
    put(
        &mut tree,
        "zephyr/module.yml",
        format!("name: {p}\nbuild:\n  cmake: .\n  kconfig: Kconfig\nsamples:\n  - samples\n"),
    );
    put(
        &mut tree,
        "Kconfig",
        format!("config EW_{u}\n\tbool \"Model {p} with its signal processing\"\n\tdefault y\n"),
    );
    put(
        &mut tree,
        "CMakeLists.txt",
        format!(
            "if(CONFIG_EW_{u})\n  zephyr_include_directories(include)\n  zephyr_library_named(ew_{p})\n  zephyr_library_sources(src/{p}.c)\nendif()\n"
        ),
    );
    put(
        &mut tree,
        "samples/classify/CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.20)\nlist(APPEND ZEPHYR_EXTRA_MODULES ${CMAKE_CURRENT_SOURCE_DIR}/../..)\nfind_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})\nproject(classify)\ntarget_sources(app PRIVATE src/main.c)\n",
    );
    put(&mut tree, "samples/classify/prj.conf", format!("CONFIG_EW_{u}=y\nCONFIG_FPU=y\nCONFIG_PRINTK=y\n"));
    put(
        &mut tree,
        "samples/classify/sample.yaml",
        format!("sample:\n  name: {p} classify\ntests:\n  sample.{p}.classify:\n    build_only: true\n"),
    );
    put(&mut tree, "samples/classify/src/main.c", application(library, &ZEPHYR));
    tree
}

pub(crate) fn esp_idf(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let mut tree = sources(library, "", "src/", "include/");
    put(
        &mut tree,
        "CMakeLists.txt",
        format!("idf_component_register(SRCS \"src/{p}.c\" INCLUDE_DIRS \"include\")\n"),
    );
    put(
        &mut tree,
        "idf_component.yml",
        format!(
            "version: \"{VERSION}\"\ndescription: A trained model with its signal processing\nurl: {}\nlicense: {}\ndependencies:\n  idf: \">=4.4\"\n",
            crate::text::json(&library.about.page(p)),
            crate::text::json(&library.about.licence),
        ),
    );
    put(
        &mut tree,
        "examples/classify/CMakeLists.txt",
        format!(
            "cmake_minimum_required(VERSION 3.16)\n# The component lies two folders above, in a folder named {p}.\nset(EXTRA_COMPONENT_DIRS ${{CMAKE_CURRENT_SOURCE_DIR}}/../..)\ninclude($ENV{{IDF_PATH}}/tools/cmake/project.cmake)\nproject(classify)\n"
        ),
    );
    put(
        &mut tree,
        "examples/classify/main/CMakeLists.txt",
        format!("idf_component_register(SRCS \"main.c\" REQUIRES {p})\n"),
    );
    put(&mut tree, "examples/classify/main/main.c", application(library, &ESP));
    tree
}

pub(crate) fn pico_sdk(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let mut tree = sources(library, "", "src/", "include/");
    put(
        &mut tree,
        "CMakeLists.txt",
        format!(
            "# add_subdirectory() this folder, then target_link_libraries(your_app {p}).\nadd_library({p} STATIC src/{p}.c)\ntarget_include_directories({p} PUBLIC include)\nset_target_properties({p} PROPERTIES C_STANDARD 99)\ntarget_link_libraries({p} PUBLIC m)\n"
        ),
    );
    put(
        &mut tree,
        "examples/classify/CMakeLists.txt",
        format!(
            "cmake_minimum_required(VERSION 3.13)\ninclude($ENV{{PICO_SDK_PATH}}/external/pico_sdk_import.cmake)\nproject(classify C CXX ASM)\npico_sdk_init()\nadd_subdirectory(../.. {p})\nadd_executable(classify main.c)\ntarget_link_libraries(classify pico_stdlib {p})\npico_enable_stdio_usb(classify 1)\npico_add_extra_outputs(classify)\n"
        ),
    );
    put(&mut tree, "examples/classify/main.c", application(library, &PICO));
    tree
}
