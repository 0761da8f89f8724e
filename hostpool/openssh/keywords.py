"""Every keyword of ssh_config(5): how its value is read, and what becomes of it here."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from . import values
from .values import Parser


class Kind(Enum):
    SINGLE = auto()
    """One word, the first setting counts."""
    WORDS = auto()
    """Several words, the first line counts."""
    PATHS = auto()
    """One word a line, all lines count."""
    SEND_ENV = auto()
    SET_ENV = auto()
    COMMAND = auto()
    """The rest of the line as it stands."""
    JUMP = auto()
    ALGORITHMS = auto()
    UNUSED = auto()
    """Known, kept as text, of no effect here (limits.py says where that matters)."""
    HOST = auto()
    MATCH = auto()
    INCLUDE = auto()


class Keyword(NamedTuple):
    """``key`` is the name in lower case."""

    key: str
    name: str
    kind: Kind
    parse: Parser = values.parse_text


def _table() -> dict[str, Keyword]:
    single: dict[Parser, str] = {
        values.parse_text: "User HostName HostKeyAlias PreferredAuthentications BindAddress IdentityAgent"
        " ForwardAgent IgnoreUnknown Tag RefuseConnection RevokedHostKeys",
        values.parse_port: "Port",
        values.parse_integer: "ConnectionAttempts NumberOfPasswordPrompts ServerAliveCountMax"
        " RequiredRSASize",
        values.parse_seconds: "ConnectTimeout ServerAliveInterval",
        values.parse_flag: "IdentitiesOnly TCPKeepAlive PasswordAuthentication KbdInteractiveAuthentication"
        " CheckHostIP HashKnownHosts BatchMode NoHostAuthenticationForLocalhost ProxyUseFdpass"
        " GSSAPIAuthentication HostbasedAuthentication PermitLocalCommand",
        values.parse_pubkey: "PubkeyAuthentication",
        values.parse_strictness: "StrictHostKeyChecking",
        values.parse_yes_no_ask: "VerifyHostKeyDNS",
        values.parse_family: "AddressFamily",
        values.parse_compression: "Compression",
        values.parse_tty: "RequestTTY",
        values.parse_canonicalize: "CanonicalizeHostname",
    }
    kinds = {
        Kind.WORDS: "UserKnownHostsFile GlobalKnownHostsFile",
        Kind.PATHS: "IdentityFile CertificateFile",
        Kind.SEND_ENV: "SendEnv",
        Kind.SET_ENV: "SetEnv",
        Kind.COMMAND: "ProxyCommand RemoteCommand KnownHostsCommand LocalCommand",
        Kind.JUMP: "ProxyJump",
        Kind.ALGORITHMS: "Ciphers KexAlgorithms MACs HostKeyAlgorithms PubkeyAcceptedAlgorithms"
        " CASignatureAlgorithms",
        Kind.HOST: "Host",
        Kind.MATCH: "Match",
        Kind.INCLUDE: "Include",
        Kind.UNUSED: "AddKeysToAgent BindInterface CanonicalDomains CanonicalizeFallbackLocal"
        " CanonicalizeMaxDots CanonicalizePermittedCNAMEs ChannelTimeout ClearAllForwardings ControlMaster"
        " ControlPath ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar"
        " ExitOnForwardFailure FingerprintHash ForkAfterAuthentication ForwardX11 ForwardX11Timeout"
        " ForwardX11Trusted GatewayPorts GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKexAlgorithms"
        " GSSAPIKeyExchange GSSAPIRenewalForcesRekey GSSAPIServerIdentity GSSAPITrustDNS"
        " HostbasedAcceptedAlgorithms IPQoS KbdInteractiveDevices LocalForward LogLevel LogVerbose"
        " ObscureKeystrokeTiming PermitRemoteOpen PKCS11Provider RekeyLimit RemoteForward"
        " SecurityKeyProvider SessionType StdinNull StreamLocalBindMask StreamLocalBindUnlink SyslogFacility"
        " Tunnel TunnelDevice UpdateHostKeys VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation"
        # Deprecated or of other builds: ssh reads and drops them.
        " Protocol Cipher FallBackToRsh GlobalKnownHostsFile2 RhostsAuthentication UserKnownHostsFile2"
        " UseRoaming UseRsh UsePrivilegedPort AFSTokenPassing KerberosAuthentication KerberosTGTPassing"
        " RSAAuthentication RhostsRSAAuthentication CompressionLevel",
    }
    table: dict[str, Keyword] = {}
    for parse, names in single.items():
        table |= {name.lower(): Keyword(name.lower(), name, Kind.SINGLE, parse) for name in names.split()}
    for kind, names in kinds.items():
        table |= {name.lower(): Keyword(name.lower(), name, kind) for name in names.split()}
    return table


_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "identityfile2": "identityfile",
    "keepalive": "tcpkeepalive",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "smartcarddevice": "pkcs11provider",
}
KEYWORDS = _table()
KEYWORDS |= {alias: KEYWORDS[name] for alias, name in _ALIASES.items()}


def nearest(keyword: str) -> str | None:
    """The known keyword that was probably meant."""
    from difflib import get_close_matches

    found = get_close_matches(keyword.lower(), KEYWORDS, n=1)
    return KEYWORDS[found[0]].name if found else None
