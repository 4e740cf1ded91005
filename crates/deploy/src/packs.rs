//! Packages for the tools of Arm: CMSIS-Packs (general, and for STM32CubeMX), Keil and IAR projects.

use crate::{
    Library, VERSION,
    embedded::{DESKTOP, put, sources},
    example::application,
    text::xml,
};
use edgewright_compile::FileTree;

/// The core of a Cortex-M target as tools of Arm name it: in packs, as a device without a maker, in IAR.
fn core(library: &Library<'_>) -> (&'static str, &'static str, &'static str) {
    let target = library.target;
    match target.hardware.core.as_deref().unwrap_or(&target.id) {
        "cortex-m0" => ("Cortex-M0", "ARMCM0", "Cortex-M0"),
        "cortex-m0plus" => ("Cortex-M0+", "ARMCM0P", "Cortex-M0+"),
        "cortex-m3" => ("Cortex-M3", "ARMCM3", "Cortex-M3"),
        "cortex-m7" => ("Cortex-M7", "ARMCM7_DP", "Cortex-M7"),
        "cortex-m33" => ("Cortex-M33", "ARMCM33_DSP_FP", "Cortex-M33"),
        "cortex-m55" => ("Cortex-M55", "ARMCM55", "Cortex-M55"),
        "cortex-m85" => ("Cortex-M85", "ARMCM85", "Cortex-M85"),
        _ => ("Cortex-M4", "ARMCM4_FP", "Cortex-M4F"),
    }
}

/// What a pack description says of its licence: the file, in the schema's order of elements.
fn description(library: &Library<'_>, schema: &str, body: &str) -> String {
    let (p, about) = (library.prefix, library.about);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<package schemaVersion="{schema}" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance" xs:noNamespaceSchemaLocation="PACK.xsd">
  <vendor>{vendor}</vendor>
  <name>{p}</name>
  <description>A trained model with its signal processing</description>
  <url>{url}</url>
  <license>LICENSE</license>
  <releases>
    <release version="{VERSION}">Made by edgewright.</release>
  </releases>
{body}</package>
"#,
        vendor = about.id(),
        url = xml(&format!("{}/", about.url.trim_end_matches('/'))),
    )
}

/// The files of the one component.
fn component_files(p: &str) -> String {
    format!(
        r#"<files>
        <file category="doc" name="README.md"/>
        <file category="include" name="Include/"/>
        <file category="header" name="Include/{p}.h"/>
        <file category="source" name="Source/{p}.c"/>
        <file category="source" name="Template/classify.c" attr="template" select="Sampling, ring buffer, classification"/>
      </files>"#
    )
}

pub(crate) fn cmsis_pack(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let mut tree = sources(library, "", "Source/", "Include/");
    let body = format!(
        r#"  <taxonomy>
    <description Cclass="Machine Learning" doc="README.md">Machine learning on the device</description>
  </taxonomy>
  <components>
    <component Cclass="Machine Learning" Cgroup="Edgewright" Csub="{p}" Cversion="{VERSION}">
      <description>Model {p} with its signal processing</description>
      {files}
    </component>
  </components>
"#,
        files = component_files(p)
    );
    put(&mut tree, &format!("{}.{p}.pdsc", library.about.id()), description(library, "1.7.7", &body));
    put(&mut tree, "Template/classify.c", application(library, &DESKTOP));
    tree
}

/// A pack as STM32CubeMX takes it: an older schema, a condition on the core, components in a bundle of their vendor.
pub(crate) fn cube_mx(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let (core, ..) = core(library);
    let vendor = library.about.id();
    let mut tree = sources(library, "", "Source/", "Include/");
    let body = format!(
        r#"  <keywords>
    <keyword>{vendor}</keyword>
    <keyword>STM32CubeMX</keyword>
    <keyword>Machine Learning</keyword>
  </keywords>
  <conditions>
    <condition id="{core} of ST">
      <description>A microcontroller of ST with {core}</description>
      <require Dvendor="STMicroelectronics:13" Dcore="{core}"/>
    </condition>
  </conditions>
  <components>
    <bundle Cbundle="{p}" Cclass="Machine Learning" Cversion="{VERSION}" Cvendor="{vendor}">
      <description>Model {p} with its signal processing</description>
      <doc>README.md</doc>
      <component Cgroup="Model" Csub="{p}" condition="{core} of ST">
      <description>From a window of sensor values to a result</description>
      {files}
      </component>
    </bundle>
  </components>
"#,
        files = component_files(p)
    );
    put(&mut tree, &format!("{vendor}.{p}.pdsc"), description(library, "1.4", &body));
    put(&mut tree, "Template/classify.c", application(library, &DESKTOP));
    tree
}

/// A library project for µVision (Arm Compiler 6), and a layer for csolution projects.
pub(crate) fn keil(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let (_, device, _) = core(library);
    let mut tree = sources(library, "", "src/", "include/");
    put(
        &mut tree,
        &format!("{p}.uvprojx"),
        format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<Project xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="project_projx.xsd">
  <SchemaVersion>2.1</SchemaVersion>
  <Header>### uVision Project, (C) Keil Software</Header>
  <Targets>
    <Target>
      <TargetName>{p}</TargetName>
      <ToolsetNumber>0x4</ToolsetNumber>
      <ToolsetName>ARM-ADS</ToolsetName>
      <uAC6>1</uAC6>
      <TargetOption>
        <TargetCommonOption>
          <Device>{device}</Device>
          <Vendor>ARM</Vendor>
          <OutputDirectory>.\build\</OutputDirectory>
          <OutputName>{p}</OutputName>
          <CreateExecutable>0</CreateExecutable>
          <CreateLib>1</CreateLib>
          <CreateHexFile>0</CreateHexFile>
          <DebugInformation>1</DebugInformation>
          <BrowseInformation>0</BrowseInformation>
        </TargetCommonOption>
        <TargetArmAds>
          <Cads>
            <interw>1</interw>
            <Optim>3</Optim>
            <oTime>0</oTime>
            <OneElfS>1</OneElfS>
            <Strict>1</Strict>
            <wLevel>3</wLevel>
            <v6Lang>3</v6Lang>
            <VariousControls>
              <MiscControls></MiscControls>
              <Define></Define>
              <Undefine></Undefine>
              <IncludePath>.\include</IncludePath>
            </VariousControls>
          </Cads>
        </TargetArmAds>
      </TargetOption>
      <Groups>
        <Group>
          <GroupName>{p}</GroupName>
          <Files>
            <File>
              <FileName>{p}.c</FileName>
              <FileType>1</FileType>
              <FilePath>.\src\{p}.c</FilePath>
            </File>
            <File>
              <FileName>{p}.h</FileName>
              <FileType>5</FileType>
              <FilePath>.\include\{p}.h</FilePath>
            </File>
          </Files>
        </Group>
      </Groups>
    </Target>
  </Targets>
</Project>
"#
        ),
    );
    put(
        &mut tree,
        &format!("{p}.clayer.yml"),
        format!(
            "layer:\n  type: Model\n  description: Model {p} with its signal processing\n  add-path:\n    - include\n  groups:\n    - group: {p}\n      files:\n        - file: src/{p}.c\n        - file: include/{p}.h\n        - file: README.md\n"
        ),
    );
    put(&mut tree, "examples/classify.c", application(library, &DESKTOP));
    put(
        &mut tree,
        "KEIL.md",
        format!(
            "# {p} in Keil\n\n- µVision: open `{p}.uvprojx`, choose your device in the options of the target, build; link `build/{p}.lib` and add the folder\n  `include` to your application. Or add `src/{p}.c` and the folder to a project of your own.\n- Keil Studio and csolution: name `{p}.clayer.yml` under `layers` of your project.\n- `examples/classify.c` is an application: sampling, ring buffer, classification, action.\n"
        ),
    );
    tree
}

/// A library project for IAR Embedded Workbench, and a project connection that adds the files to any project.
pub(crate) fn iar(library: &Library<'_>) -> FileTree {
    let p = library.prefix;
    let (_, _, core) = core(library);
    let mut tree = sources(library, "", "src/", "include/");
    let option = |name: &str, states: &[&str]| {
        let states: String =
            states.iter().map(|s| format!("          <state>{s}</state>\n")).collect::<String>();
        format!("        <option>\n          <name>{name}</name>\n{states}        </option>\n")
    };
    let general = option("GOutputBinary", &["1"])
        + &option("ExePath", &["build\\exe"])
        + &option("ObjPath", &["build\\obj"])
        + &option("ListPath", &["build\\list"]);
    let compiler = option("CCIncludePath2", &["$PROJ_DIR$\\include"])
        // Standard C, without extensions of the compiler.
        + &option("IccLang", &["0"])
        + &option("IccCDialect", &["1"])
        + &option("IccLanguageConformance", &["2"])
        + &option("CCOptLevel", &["3"]);
    let archive = option("IarchiveOverride", &["1"])
        + &option("IarchiveOutput", &[&format!("$PROJ_DIR$\\build\\{p}.a")]);
    let settings = |name: &str, archive_version: u32, options: &str| {
        format!(
            "    <settings>\n      <name>{name}</name>\n      <archiveVersion>{archive_version}</archiveVersion>\n      <data>\n        <version>1</version>\n        <wantNonLocal>1</wantNonLocal>\n        <debug>0</debug>\n{options}      </data>\n    </settings>\n"
        )
    };
    put(
        &mut tree,
        &format!("{p}.ewp"),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<project>\n  <fileVersion>3</fileVersion>\n  <configuration>\n    <name>Release</name>\n    <toolchain>\n      <name>ARM</name>\n    </toolchain>\n    <debug>0</debug>\n{}{}{}  </configuration>\n  <group>\n    <name>{p}</name>\n    <file>\n      <name>$PROJ_DIR$\\src\\{p}.c</name>\n    </file>\n    <file>\n      <name>$PROJ_DIR$\\include\\{p}.h</name>\n    </file>\n  </group>\n</project>\n",
            settings("General", 3, &general),
            settings("ICCARM", 2, &compiler),
            settings("IARCHIVE", 0, &archive),
        ),
    );
    put(
        &mut tree,
        &format!("{p}.eww"),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<workspace>\n  <project>\n    <path>$WS_DIR$\\{p}.ewp</path>\n  </project>\n  <batchBuild/>\n</workspace>\n"
        ),
    );
    put(
        &mut tree,
        &format!("{p}.ipcf"),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<iarProjectConnection version=\"1.3\" name=\"{p}\">\n  <includePath>\n    <path>$IPCF_DIR$\\include</path>\n  </includePath>\n  <files>\n    <group name=\"{p}\">\n      <path>$IPCF_DIR$\\src\\{p}.c</path>\n      <path>$IPCF_DIR$\\include\\{p}.h</path>\n    </group>\n  </files>\n</iarProjectConnection>\n"
        ),
    );
    put(&mut tree, "examples/classify.c", application(library, &DESKTOP));
    put(
        &mut tree,
        "IAR.md",
        format!(
            "# {p} in IAR Embedded Workbench for Arm\n\n- In a project of your own: Project, Add Project Connection, IAR Project Connection, `{p}.ipcf`. It adds the source and the include\n  folder and keeps your device and your options.\n- As a library: open `{p}.eww`, choose your device ({core} or what it stands in) in the general options, make; link `build/{p}.a`.\n- The source is standard C: it compiles with *C language conformance* set to strict.\n- `examples/classify.c` is an application: sampling, ring buffer, classification, action.\n"
        ),
    );
    tree
}
