"""constants.json as lines of Python, C and Rust."""


def limit_values(table):
    """Everything that is a name and a number, in the order of protocol.md."""
    yield "VERSION", table["versions"][-1]
    for name in ("header_bytes", "cluster_bytes", "block_bytes", "leaf_bytes", "chunk_bytes"):
        yield name.upper(), table[name]
    for limit in table["limits"]:
        yield from limit["values"].items()


def families(table):
    """Enumerations: a name for the family, and the names and numbers in it."""
    yield "frame types", [(frame["name"], int(frame["type"], 16)) for frame in table["frames"]]
    yield "errors", [(error["name"], error["code"]) for error in table["errors"]]
    yield "flags", list((table["error_flags"] | table["extents_flags"]).items())
    yield "where the bytes of a DATA are", list(table["places"].items())
    for prefix, name, what in (
            ("KIND_", "zero_kinds", "kinds of a ZERO"),
            ("EXTENT_", "extent_kinds", "kinds of an extent"),
            ("LOG_", "log_levels", "levels of a LOG"),
            ("DURABILITY_", "durability", "durability of a checkpoint")):
        yield what, [(prefix + word, number) for number, word in enumerate(table[name])]
    yield "digest algorithms", [
        ("DIGEST_" + (digest["name"] or "none").upper().replace("-", "_"), digest["alg"])
        for digest in table["digests"]]


def features(table):
    return [("FEATURE_" + feature["name"].upper().replace("-", "_"), feature["name"])
            for feature in table["features"]]


def number(value):
    return f"0x{value:04X}" if value >= 0x8000 and value < 0x10000 else str(value)


def comes_to_plugin(frame):
    return frame["direction"] != "P → H"


def preamble(table):
    return bytes.fromhex(table["preamble"])


# Python -------------------------------------------------------------------------------------------

def python(table):
    lines = [f"PREAMBLE = bytes.fromhex(\"{table['preamble']}\")"]
    lines += [f"{name} = {value}" for name, value in limit_values(table)]
    for what, members in families(table):
        lines += ["", f"# {what[0].upper()}{what[1:]}"]
        lines += [f"{name} = {hexadecimal(what, value)}" for name, value in members]
    lines += ["", "# Features"] + [f'{name} = "{text}"' for name, text in features(table)]
    lines += ["", "# Type: name, least and most bytes of the payload, stream (0, s or any), and",
              "# whether a host sends it.", "FRAMES = {"]
    for frame in table["frames"]:
        lines.append(
            f"    {frame['type']}: (\"{frame['name']}\", {frame['min']}, {frame['max']}, "
            f"\"{frame['stream']}\", {comes_to_plugin(frame)}),")
    lines += ["}", "", "# Members of JSON objects: name, type, required, and the type's bounds.",
              "OBJECTS = {"]
    for name, members in table["objects"].items():
        if not members:
            lines.append(f'    "{name}": (),')
            continue
        lines.append(f'    "{name}": (')
        for member in members:
            bounds = [repr(member[key]) for key in ("of", "min", "max") if key in member]
            text = ", ".join([f"\"{member['name']}\"", f"\"{member['type']}\"",
                              str(member.get("required", False))] + bounds)
            lines.append(f"        ({text.replace(chr(39), chr(34))}),")
        lines.append("    ),")
    return lines + ["}"]


def hexadecimal(what, value):
    return f"0x{value:04X}" if what == "frame types" else str(value)


# C ------------------------------------------------------------------------------------------------

def c_header(table):
    lines = []
    for name, value in limit_values(table):
        suffix = "u" if value < 1 << 31 else "ull"
        lines.append(f"#define SLUICE_{name} {value}{suffix}")
    for what, members in families(table):
        lines += ["", f"/* {what[0].upper()}{what[1:]} */", "enum {"]
        lines += [f"  SLUICE_{name} = {hexadecimal(what, value)}," for name, value in members]
        lines.append("};")
    return lines


def c_source(table):
    octets = ", ".join(f"0x{byte:02x}" for byte in preamble(table))
    lines = [f"static const uint8_t PREAMBLE[8] = {{{octets}}};", ""]
    lines += [f'#define {name} "{text}"' for name, text in features(table)]
    lines += ["static const char *const FEATURES[] = {"]
    lines += [f"  {name}," for name, _ in features(table)] + ["  NULL,", "};"]
    lines += ["", "static const struct frame_rule FRAMES[] = {"]
    streams = {"0": "STREAM_NONE", "s": "STREAM_ONE", "any": "STREAM_ANY"}
    for frame in table["frames"]:
        lines.append(
            f"  {{{frame['type']}, \"{frame['name']}\", {frame['min']}, {frame['max']}, "
            f"{streams[frame['stream']]}, {int(comes_to_plugin(frame))}}},")
    lines += ["};", ""]
    names = list(table["objects"])
    lines += ["enum object_kind {"] + [f"  OBJECT_{name.upper()}," for name in names] + ["};", ""]
    for name in names:
        lines.append(f"static const struct member {name.upper()}_MEMBERS[] = {{")
        lines += [f"  {c_member(member)}," for member in table["objects"][name]]
        lines += ["  {NULL, 0, 0, 0, NULL, 0, 0},", "};"]
    lines += ["", "static const struct member *const OBJECTS[] = {"]
    return lines + [f"  {name.upper()}_MEMBERS," for name in names] + ["};"]


def c_member(member):
    words, of = "NULL", "0"
    if isinstance(member.get("of"), list):
        words = '"' + "|".join(member["of"]) + '"'
    elif "of" in member:
        of = f"OBJECT_{member['of'].upper()}"
    return (f"{{\"{member['name']}\", TYPE_{member['type'].upper()}, "
            f"{int(member.get('required', False))}, {of}, {words}, "
            f"{member.get('min', 0)}, {member.get('max', 0)}}}")


# Rust ---------------------------------------------------------------------------------------------

def rust(table):
    octets = ", ".join(f"0x{byte:02x}" for byte in preamble(table))
    lines = [f"pub const PREAMBLE: [u8; 8] = [{octets}];"]
    lines += [f"pub const {name}: u64 = {value};" for name, value in limit_values(table)]
    for what, members in families(table):
        kind = "u16" if what in ("frame types", "digest algorithms") else "u32"
        lines += ["", f"// {what[0].upper()}{what[1:]}"]
        lines += [f"pub const {name}: {kind} = {hexadecimal(what, value)};"
                  for name, value in members]
    lines += ["", "// Features"]
    lines += [f'pub const {name}: &str = "{text}";' for name, text in features(table)]
    streams = {"0": "Stream::None", "s": "Stream::One", "any": "Stream::Any"}
    lines += ["", "pub(crate) static FRAMES: &[FrameRule] = &["]
    for frame in table["frames"]:
        lines.append(
            f"    FrameRule({frame['type']}, \"{frame['name']}\", {frame['min']}, {frame['max']}, "
            f"{streams[frame['stream']]}, {str(comes_to_plugin(frame)).lower()}),")
    lines += ["];", "", "pub(crate) static OBJECTS: &[(&str, &[Member])] = &["]
    for name, members in table["objects"].items():
        lines.append(f'    ("{name}", &[')
        lines += [f"        {rust_member(member)}," for member in members]
        lines.append("    ]),")
    return lines + ["];"]


def rust_member(member):
    kind, of, most = member["type"], member.get("of"), member.get("max", 0)
    forms = {
        "integer": f"Kind::Integer({member.get('min')}, {most})",
        "object": f'Kind::Object("{of}")', "list": f'Kind::List("{of}", {most})',
        "map": f'Kind::Map("{of}", {most})', "integers": f"Kind::Integers({most})",
    }
    if kind == "choice":
        words = ", ".join(f'"{word}"' for word in of)
        form = f"Kind::Choice(&[{words}])"
    else:
        form = forms.get(kind, f"Kind::{kind.capitalize()}")
    return f"Member(\"{member['name']}\", {form}, {str(member.get('required', False)).lower()})"
