//! Debian packages that tests need. Each line says how we know that it is there.

use crate::{
    process::{command, quiet, run},
    workspace::Workspace,
};
use anyhow::{Result, bail};

/// What shows that a package is installed.
enum Proof {
    /// This command ends well.
    Runs(&'static [&'static str]),
    /// This compiler, asked with `-print-file-name`, knows the path of the file. `ARCH` stands for the host's.
    Finds(&'static str, &'static str),
}

struct Package {
    name: &'static str,
    proof: Proof,
    needed_for: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { name: "gcc", proof: Proof::Runs(&["gcc", "--version"]), needed_for: "emitted C on the host" },
    Package {
        name: "clang",
        proof: Proof::Runs(&["clang", "--version"]),
        needed_for: "emitted C on the host",
    },
    Package {
        name: "lld",
        proof: Proof::Runs(&["ld.lld", "--version"]),
        needed_for: "linking with clang, also WebAssembly",
    },
    Package {
        name: "libclang-rt-14-dev",
        proof: Proof::Finds("clang", "libclang_rt.asan-ARCH.a"),
        needed_for: "sanitizers of clang",
    },
    Package {
        name: "gcc-arm-none-eabi",
        proof: Proof::Runs(&["arm-none-eabi-gcc", "--version"]),
        needed_for: "emitted C for Cortex-M",
    },
    Package {
        name: "libnewlib-arm-none-eabi",
        proof: Proof::Finds("arm-none-eabi-gcc", "nano.specs"),
        needed_for: "C library of Cortex-M",
    },
    Package {
        name: "qemu-system-arm",
        proof: Proof::Runs(&["qemu-system-arm", "--version"]),
        needed_for: "running Cortex-M images",
    },
    Package {
        name: "gcc-aarch64-linux-gnu",
        proof: Proof::Runs(&["aarch64-linux-gnu-gcc", "--version"]),
        needed_for: "programs for Linux on 64-bit Arm",
    },
    Package {
        name: "libc6-dev-arm64-cross",
        proof: Proof::Finds("aarch64-linux-gnu-gcc", "libc.a"),
        needed_for: "C library of 64-bit Arm",
    },
    Package {
        name: "gcc-arm-linux-gnueabihf",
        proof: Proof::Runs(&["arm-linux-gnueabihf-gcc", "--version"]),
        needed_for: "programs for Linux on 32-bit Arm",
    },
    Package {
        name: "libc6-dev-armhf-cross",
        proof: Proof::Finds("arm-linux-gnueabihf-gcc", "libc.a"),
        needed_for: "C library of 32-bit Arm",
    },
    Package {
        name: "qemu-user",
        proof: Proof::Runs(&["qemu-aarch64", "--version"]),
        needed_for: "running programs for Linux on Arm",
    },
    Package {
        name: "skopeo",
        proof: Proof::Runs(&["skopeo", "--version"]),
        needed_for: "reading container images",
    },
    Package {
        name: "umoci",
        proof: Proof::Runs(&["umoci", "--version"]),
        needed_for: "unpacking container images",
    },
    Package {
        name: "python3",
        proof: Proof::Runs(&["python3", "--version"]),
        needed_for: "programs of the user that train or compute features",
    },
];

const BROWSER: &[Package] = &[Package {
    name: "chromium",
    proof: Proof::Runs(&["chromium", "--version"]),
    needed_for: "the Studio in a real browser",
}];

fn present(workspace: &Workspace, proof: &Proof) -> bool {
    match proof {
        Proof::Runs(words) => quiet(&mut command(&workspace.root, words[0], &words[1..])).is_some(),
        Proof::Finds(compiler, file) => {
            let file = file.replace("ARCH", std::env::consts::ARCH);
            quiet(&mut command(&workspace.root, compiler, [format!("-print-file-name={file}")]))
                .is_some_and(|path| std::path::Path::new(path.trim()).is_absolute())
        }
    }
}

fn missing(workspace: &Workspace, packages: &'static [Package]) -> Vec<&'static Package> {
    packages.iter().filter(|p| !present(workspace, &p.proof)).collect()
}

/// Installs missing packages when that is allowed; else names them in the error.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    ensure_all(workspace, PACKAGES)
}

const CLIENTS: &[Package] = &[Package {
    name: "python3-venv",
    proof: Proof::Runs(&["python3", "-m", "ensurepip", "--version"]),
    needed_for: "Edge Impulse's Python SDK, apart from the system's packages",
}];

/// What Edge Impulse's clients need, and the compiler of a runner's executable.
pub fn ensure_clients(workspace: &Workspace) -> Result<()> {
    ensure_all(workspace, CLIENTS)?;
    ensure(workspace)
}

/// The same for the browser.
pub fn ensure_browser(workspace: &Workspace) -> Result<()> {
    ensure_all(workspace, BROWSER)
}

fn ensure_all(workspace: &Workspace, packages: &'static [Package]) -> Result<()> {
    let wanted = missing(workspace, packages);
    if wanted.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = wanted.iter().map(|p| p.name).collect();
    let list: Vec<String> = wanted.iter().map(|p| format!("  {:<24} {}", p.name, p.needed_for)).collect();
    let by_hand = format!(
        "tests need these Debian packages:\n{}\ninstall them with: sudo apt-get install -y {}",
        list.join("\n"),
        names.join(" ")
    );
    let root = &workspace.root;
    let has = |words: &[&str]| quiet(&mut command(root, words[0], &words[1..])).is_some();
    let prefix: &[&str] = if has(&["sh", "-c", "test \"$(id -u)\" = 0"]) {
        &["env", "DEBIAN_FRONTEND=noninteractive"]
    } else if has(&["sudo", "-n", "true"]) {
        &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    } else {
        bail!("{by_hand}");
    };
    if !has(&["apt-get", "--version"]) {
        bail!("{by_hand}");
    }
    eprintln!("installing {}", names.join(" "));
    let apt = |words: &[&str]| {
        let all: Vec<&str> = prefix[1..].iter().chain(&["apt-get", "-qq"]).chain(words).copied().collect();
        run(command(root, prefix[0], all).stdout(std::io::stderr()))
    };
    apt(&["update"])?;
    apt(&[&["install", "-y", "--no-install-recommends"], names.as_slice()].concat())?;
    match missing(workspace, packages).as_slice() {
        [] => Ok(()),
        still => bail!(
            "installed, but still not found: {}",
            still.iter().map(|p| p.name).collect::<Vec<_>>().join(" ")
        ),
    }
}
