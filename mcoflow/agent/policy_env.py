"""Variables that no policy can let a request set: with them it would choose code, not only values."""

from typing import Final

_BEGINNINGS: Final = (
    *("LD_", "DYLD_", "GIT_", "PYTHON", "PERL", "RUBY", "NODE_", "BASH", "GUILE_", "JULIA_", "LUA_"),
    *("OPENSSL_", "APT_", "DPKG_", "PIP_", "GEM_", "BUNDLE_", "NPM_", "npm_", "CARGO_", "MAVEN_"),
    *("JAVA_", "_JAVA_", "JDK_", "COR_", "CORECLR_", "DOTNET_", "PHP_", "SYSTEMD_", "SUDO_", "SSH_", "LESS"),
)
_NAMES: Final = frozenset(
    {
        *("PATH", "HOME", "SHELL", "SHELLOPTS", "IFS", "ENV", "CDPATH", "GLOBIGNORE", "PS4", "ZDOTDIR"),
        *("GCONV_PATH", "LOCPATH", "NLSPATH", "HOSTALIASES", "RESOLV_HOST_CONF", "GETCONF_DIR"),
        *("GLIBC_TUNABLES", "PROMPT_COMMAND", "FPATH", "TERMINFO", "RSYNC_RSH", "CVS_RSH", "TAR_OPTIONS"),
        *("EDITOR", "VISUAL", "PAGER", "MANPAGER", "BROWSER", "MAKEFLAGS", "MAKEFILES", "CLASSPATH", "PHPRC"),
        *("TCLLIBPATH", "AWKPATH", "AWKLIBPATH", "GOFLAGS", "GOTOOLCHAIN", "RUSTC_WRAPPER"),
        *("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_DATA_DIRS"),
        *("PGSYSCONFDIR", "PGSERVICEFILE", "PSQLRC"),
    }
)


def decides_what_runs(variable: str) -> bool:
    """Whether loaders, shells, interpreters or common tools take code, or its place, from this variable."""
    return variable in _NAMES or variable.startswith(_BEGINNINGS)
