"""Where the server's character sets differ from Python's codecs.

Found by converting every byte sequence to utf8mb4 on MySQL 9.7 and MariaDB 10.11, which agree.
"""

from __future__ import annotations

from typing import Final

UNDEFINED: Final = "\ufffe"
"""What `codecs.charmap_decode` takes for a byte without a character."""
_ = UNDEFINED

SINGLE_BYTE: Final[dict[str, tuple[str, dict[int, str]]]] = {
    "armscii8": (
        "latin1",
        {
            0xA1: "❁§։)(»«—.՝,-՟…՜՛՞ԱաԲբԳգԴդԵեԶզԷէԸըԹթԺժԻիԼլԽխԾծԿկՀհՁձՂղՃճՄմՅյՆնՇշՈոՉչՊպՋջՌռՍսՎվՏտՐրՑցՒւՓփՔքՕօՖֆ’'",
        },
    ),
    "cp1256": ("cp1256", {0x8A: _, 0x8F: _, 0x98: _, 0x9A: _, 0x9F: _, 0xAA: _, 0xC0: _, 0xFF: _}),
    "cp866": ("cp866", {0xFC: "ⁿ²"}),
    "dec8": (
        "latin1",
        {
            0xA4: f"{_}¥{_}§¤©ª«{_ * 4}",
            0xB4: _,
            0xB8: _,
            0xBE: _,
            0xD0: _,
            0xD7: "Œ",
            0xDD: f"Ÿ{_}",
            0xF0: _,
            0xF7: "œ",
            0xFD: f"ÿ{_ * 2}",
        },
    ),
    "geostd8": (
        "latin1",
        {
            0x80: f"€{_}‚{_}„…†‡{_}‰{_}‹{_ * 5}‘’“”•–—{_ * 3}›{_ * 4}",
            0xC0: f"აბგდევზჱთიკლმნჲოპჟრსტჳუფქღყშჩცძწჭხჴჯჰჵ{_ * 23}№{_ * 2}",
        },
    ),
    "greek": ("iso8859_7", {0xA1: "ʽʼ", 0xA4: _ * 2, 0xAA: _}),
    "hebrew": ("iso8859_8", {0xAF: "‾"}),
    "keybcs2": ("cp437", {0x80: "ČüéďäĎŤčěĚĹÍľĺÄÁÉžŽôöÓůÚýÖÜŠĽÝŘťáíóúňŇŮÔšřŕŔ"}),
    "koi8u": ("koi8_u", {0x95: "•"}),
    "latin1": ("cp1252", {0x81: "\x81", 0x8D: "\x8d", 0x8F: "\x8f\x90", 0x9D: "\x9d"}),
    "swe7": ("ascii", {0x40: "É", 0x5B: "ÄÖÅÜ", 0x60: "é", 0x7B: f"äöåü{_}"}),
}
"""Charset → Python's nearest codec, and the characters from these bytes on."""


def _row(lead: bytes, first: int, characters: str) -> dict[bytes, str]:
    return {lead + bytes((first + index,)): character for index, character in enumerate(characters) if character != _}


def _private() -> dict[bytes, str]:
    """EUC's rows for characters of one's own: ten in JIS X 0208, ten in JIS X 0212."""
    cells = [bytes((row, cell)) for row in range(0xF5, 0xFF) for cell in range(0xA1, 0xFF)]
    return {cell: chr(0xE000 + index) for index, cell in enumerate([*cells, *(b"\x8f" + cell for cell in cells)])}


# Compatibility ideographs stand here as escapes: an editor may replace them by their canonical twins.
_IBM: Final = (
    "ⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡炻仼僴凬匇匤﨎咊坙﨏\ufa10增寬峵嵓﨑德悅愠敎昻晥\ufa12\uf929栁﨓﨔橫櫢淸淲瀨\ufa15\ufa16甁皂皞\ufa17礰\ufa18"
    "\ufa19\ufa1a\ufa1b竧\ufa1c\ufa1d綠緖\ufa1e荢﨟薰\ufa20﨡蠇\ufa22譿賴赶﨣﨤\ufa25郞\ufa26鄕﨧﨨閒\uf9dc﨩霻靍靑\ufa2a\ufa2b\ufa2c馞髙魲\ufa2d黑"
)
_NEC: Final = (
    f"①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ{_}㍉㌔㌢㍍㌘㌧㌃㌶㍑㍗㌍㌦㌣㌫㍊㌻㎜㎝㎞㎎㎏㏄㎡{_ * 8}㍻〝〟№㏍℡㊤㊥㊦㊧㊨㈱㈲㈹㍾㍽㍼"
    "≒≡∫∮∑√⊥∠∟⊿∵∩∪"
)
_EUC: Final = rb"[\x00-\x7f]+|\x8f..|[\x80-\xff].?"

MULTI_BYTE: Final[dict[str, tuple[str, bytes, dict[bytes, str]]]] = {
    "big5": (
        "big5",
        rb"[\x00-\x7f]+|[\x80-\xff].?",
        {
            **_row(b"\xf9", 0xD6, "碁銹裏墻恒粧嫺"),
            # The server maps these to U+FFFD and cannot map them back.
            **dict.fromkeys((b"\xa1\x5a", b"\xa1\xc3", b"\xa1\xc5", b"\xa1\xfe"), "\ufffd"),
            **dict.fromkeys((b"\xa2\x40", b"\xa2\xcc", b"\xa2\xce"), "\ufffd"),
        },
    ),
    "eucjpms": (
        "euc_jp",
        _EUC,
        {
            **_private(),
            **_row(b"\xad", 0xA1, _NEC),
            **_row(b"\x8f\xf3", 0xF3, "ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡ"),
            **_row(b"\x8f\xf4", 0xA1, _IBM),
            **_row(b"\xa1", 0xC1, "～∥"),
            **_row(b"\xa1", 0xF1, "￠￡"),
            b"\xa1\xdd": "－",
            b"\xa2\xcc": "￢",
            b"\x8f\xa2\xb7": "～",
            b"\x8f\xa2\xc3": "￤",
        },
    ),
    "gb18030": (
        "gb18030",
        rb"[\x00-\x7f]+|[\x80-\xff][\x30-\x39]..|[\x80-\xff].?",
        {b"\xa8\xbc": "ḿ", b"\x81\x35\xf4\x37": "\ue7c7"},
    ),
    "sjis": ("shift_jis", rb"[\x00-\x7f]+|[\xa1-\xdf]|[\x80-\xff].?", {b"\x81\x5f": "\\"}),
    "ujis": ("euc_jp", _EUC, {**_private(), b"\xa1\xc0": "\\"}),
}
"""Charset → Python's nearest codec, what its characters look like, and those that differ."""
