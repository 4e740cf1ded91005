//! Names that a library cannot have, because a language, a compiler or a tool gives them a meaning.

/// Groups of names, each with what would go wrong.
const RESERVED: &[&str] = &[
    // Keywords of C and C++, in which the prefix stands alone at times.
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl concept const \
     const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete do double dynamic_cast else \
     enum explicit export extern false final float for friend goto if inline int long main mutable namespace new noexcept not not_eq \
     nullptr operator or or_eq override private protected public register reinterpret_cast requires restrict return short signed sizeof \
     static static_assert static_cast std struct switch template this thread_local throw true try typedef typeid typename typeof union \
     unsigned using virtual void volatile wchar_t while xor xor_eq",
    // Keywords of Rust, and crates that are always there.
    "abstract alloc as async await become box core crate dyn fn gen impl in let loop macro match mod move mut priv proc_macro pub ref self \
     super test trait type unsafe unsized use where yield",
    // Keywords of Kotlin and Java, which names of packages may not be.
    "assert boolean byte extends finally fun implements import instanceof interface is native null object package strictfp synchronized \
     throws transient typealias val var when",
    // Headers of C and of systems: with the folder of the library on the path, `math.h` would be the library's.
    "aio alloca byteswap complex ctype cpio dirent dlfcn elf endian errno error execinfo fcntl features fenv float fmtmsg \
     fnmatch ftw getopt glob grp iconv inttypes io iso646 langinfo libgen limits link locale malloc math memory monetary mqueue ndbm \
     netdb newlib nl_types poll process pthread pwd reent regex sched search semaphore setjmp signal spawn stdalign stdarg \
     stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string strings stropts syslog tar termios tgmath \
     threads time uchar ucontext unistd utime values wait wchar wctype windows",
    // Types that end in `_t`: the handle would be one of them.
    "blkcnt blksize clock clockid dev div fpos fsblkcnt fsfilcnt gid id imaxdiv ino int8 int16 int32 int64 int_fast8 int_fast16 int_fast32 \
     int_fast64 int_least8 int_least16 int_least32 int_least64 intmax intptr key ldiv lldiv max_align mbstate mode mtx cnd thrd tss nlink \
     off once pid ptrdiff quad register rsize sig_atomic sigset size socklen ssize suseconds timer u_int8 u_int16 u_int32 u_int64 uid uint8 \
     uint16 uint32 uint64 uint_fast8 uint_fast16 uint_fast32 uint_fast64 uint_least8 uint_least16 uint_least32 uint_least64 uintmax uintptr \
     useconds wint",
    // Functions of systems that end as ours do.
    "sem",
    // Targets of build systems, and libraries that are linked beside ours.
    "all android app c clean depend edit_cache flash help install kernel list_install_components log m menuconfig none package_source \
     preinstall rebuild_cache zephyr",
    // Files beside the library in some package; headers of kits where case does not count.
    "arduino classify example jni model_jni particle shim",
    // The runtime's own names.
    "ew",
];

/// Whether a name means something else to a language or a tool that sees it.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with("ew_") || RESERVED.iter().any(|group| group.split_whitespace().any(|n| n == name))
}
