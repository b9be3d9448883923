"""Video games, and what people play them with."""

from __future__ import annotations

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    GOLD,
    GREEN,
    GREY,
    NAVY,
    ORANGE,
    PURPLE,
    RED,
    SILVER,
    TEAL,
    WHITE,
    YELLOW,
    Colour,
    Sketch,
    shade,
)


def _pad(sheet: Sketch, x: float, y: float, size: float, body: Colour) -> None:
    """A game controller around a point; `size` is half of its width."""
    s = size / 36
    for side in (-1, 1):
        sheet.oval(x + side * 24 * s, y + 10 * s, 12 * s, 22 * s, body)
    sheet.box(x - 30 * s, y - 16 * s, x + 30 * s, y + 12 * s, body, round_=8 * s)
    sheet.box(x - 9 * s, y - 14 * s, x + 9 * s, y - 3 * s, shade(body, 1.5), round_=1.5 * s)
    for side in (-1, 1):
        sheet.disc(x + side * 11 * s, y + 8 * s, 6.4 * s, shade(body, 0.6))
        sheet.disc(x + side * 11 * s, y + 7 * s, 4.8 * s, shade(body, 1.3))
    for dx, dy in ((0, -5), (0, 5), (-5, 0), (5, 0)):
        sheet.disc(x + (-22 + dx) * s, y + (-3 + dy) * s, 2.4 * s, shade(body, 1.7))
    for dx, dy, colour in ((0, -5, GREEN), (0, 5, BLUE), (-5, 0, PURPLE), (5, 0, RED)):
        sheet.disc(x + (22 + dx) * s, y + (-3 + dy) * s, 2.6 * s, colour)


def _case(
    sheet: Sketch, left: float, top: float, wide: float, high: float, band: Colour, cover: Colour, mark: str
) -> None:
    """A game's box from the front."""
    sheet.box(left, top, left + wide, top + high, shade(band, 0.7), round_=1)
    sheet.box(left + 1, top + 1, left + wide - 1, top + high - 1, cover)
    sheet.box(left + 1, top + 1, left + wide - 1, top + 1 + high * 0.1, band)
    sheet.words(left + wide / 2, top + 1 + high * 0.05, mark, WHITE, min(high * 0.06, wide * 0.13))


def game_case_blue(sheet: Sketch) -> None:
    """A racing game: a car on a mountain road."""
    sheet.ground(50, 92, 30, 3)
    _case(sheet, 20, 6, 60, 86, NAVY, (150, 200, 230), "RALLYE DES CIMES")
    sheet.poly([(21, 62), (38, 30), (50, 48), (62, 26), (79, 60), (79, 91), (21, 91)], (120, 136, 150))
    sheet.poly([(38, 30), (33, 40), (38, 38), (43, 40)], WHITE)
    sheet.poly([(62, 26), (56, 38), (62, 35), (68, 38)], WHITE)
    sheet.poly([(44, 58), (54, 58), (76, 91), (22, 91)], (70, 72, 78))
    for top, wide in ((62, 1), (69, 1.5), (86, 2.6)):
        sheet.box(49 - wide / 2, top, 49 + wide / 2, top + 4, YELLOW, flat=True)
    sheet.box(34, 72, 62, 83, RED, round_=3)
    sheet.poly([(38, 73), (42, 64), (55, 64), (59, 73)], shade(RED, 0.8))
    sheet.poly([(41, 72), (43.6, 66), (53.4, 66), (56, 72)], (200, 226, 240))
    for x in (39, 57):
        sheet.oval(x, 83, 4, 4.4, BLACK)
    for x in (37.5, 58.5):
        sheet.disc(x, 76.5, 1.8, YELLOW)


def cartridge(sheet: Sketch) -> None:
    """A grey cartridge with a label."""
    sheet.ground(50, 84, 36, 4)
    sheet.box(16, 18, 84, 82, (176, 176, 182), round_=5)
    sheet.box(24, 74, 76, 84, (150, 150, 158), round_=1)
    for x in range(28, 74, 4):
        sheet.box(x, 77, x + 2, 84, (110, 110, 118), flat=True)
    sheet.box(25, 25, 75, 62, (236, 116, 76), round_=2)
    sheet.box(25, 54, 75, 62, (46, 110, 150), round_=2)
    sheet.disc(67, 38, 4.6, YELLOW)
    sheet.poly([(38, 54), (62, 54), (56, 60), (44, 60)], (110, 64, 40))
    sheet.poly([(50, 34), (50, 52), (62, 52)], CREAM)
    sheet.poly([(48, 36), (48, 52), (38, 52)], WHITE)
    sheet.words(46, 29.5, "DRAGON HARBOR", WHITE, 4.4)
    for x in (20, 80):
        for row in range(5):
            sheet.box(x - 2, 26 + row * 6, x + 2, 28 + row * 6, (130, 130, 138))


def controller(sheet: Sketch) -> None:
    """A black wireless controller."""
    sheet.ground(50, 78, 36, 4)
    _pad(sheet, 50, 48, 42, (58, 58, 64))


def headset(sheet: Sketch) -> None:
    """A headset with a microphone."""
    sheet.ground(50, 90, 32, 4)
    sheet.arc(50, 52, 33, 40, 180, 360, BLACK, 7)
    sheet.arc(50, 52, 33, 40, 205, 335, RED, 2.2)
    for x, side in ((17, 1), (83, -1)):
        sheet.oval(x, 62, 10, 18, BLACK)
        sheet.oval(x + side * 5, 62, 7, 16, (70, 70, 76))
        sheet.oval(x - side * 3, 62, 4, 9, RED)
    sheet.arc(30, 68, 18, 18, 20, 140, BLACK, 2)
    sheet.oval(46, 75, 5, 3.4, (60, 60, 66))


def console_white(sheet: Sketch) -> None:
    """A handheld retro console."""
    sheet.ground(50, 93, 24, 3)
    sheet.box(26, 5, 74, 93, (232, 230, 222), round_=6)
    sheet.box(31, 11, 69, 46, (70, 74, 84), round_=3)
    sheet.box(36, 15, 64, 42, (156, 186, 90), round_=1)
    sheet.box(36, 36, 64, 42, (96, 130, 60), flat=True)
    for x in (42, 52, 58):
        sheet.box(x, 31, x + 3, 36, (60, 90, 44), flat=True)
    sheet.disc(47, 25, 2.4, (60, 90, 44))
    sheet.box(41, 57, 46, 73, BLACK, round_=1)
    sheet.box(35.5, 62.5, 51.5, 67.5, BLACK, round_=1)
    sheet.disc(65, 60, 4.4, (180, 44, 84))
    sheet.disc(57, 68, 4.4, (180, 44, 84))
    for x in (42, 51):
        sheet.box(x, 80, x + 7, 82.4, GREY, round_=1)
    for row in range(4):
        sheet.line([(60 + row * 3, 86), (64 + row * 3, 80)], GREY, 0.9)


def console_black(sheet: Sketch) -> None:
    """A black console that stands, a controller before it."""
    sheet.ground(46, 84, 36, 4)
    sheet.box(18, 10, 46, 84, BLACK, round_=2)
    sheet.box(46, 12, 54, 84, (66, 66, 72), round_=1)
    sheet.line([(32, 14), (32, 80)], (96, 160, 230), 0.9)
    sheet.disc(24, 18, 1.8, SILVER)
    for row in range(8):
        sheet.line([(47.6, 20 + row * 7), (52.4, 20 + row * 7)], BLACK, 1)
    sheet.ground(68, 88, 22, 3)
    _pad(sheet, 68, 72, 23, (52, 52, 58))


def console_bundle(sheet: Sketch) -> None:
    """A used console, two controllers, five games."""
    sheet.ground(50, 92, 42, 4)
    for index, band in enumerate((BLUE, GREEN, RED, ORANGE, PURPLE)):
        left = 50 + index * 8.6
        sheet.box(left, 10, left + 8, 48, band)
        sheet.box(left + 2, 16, left + 6, 34, shade(band, 1.5), flat=True)
    sheet.box(6, 24, 48, 48, (210, 210, 214), round_=2)
    sheet.box(6, 38, 48, 48, (176, 176, 182), round_=2)
    sheet.box(12, 29, 34, 31.4, BLACK, round_=1)
    sheet.disc(41, 30, 2.6, (110, 190, 110))
    for x in (13, 25):
        sheet.box(x, 41, x + 8, 45, BLACK, round_=1)
    _pad(sheet, 27, 72, 20, (200, 200, 206))
    _pad(sheet, 72, 74, 20, (66, 66, 72))


def games_lot(sheet: Sketch) -> None:
    """Six used games."""
    sheet.ground(50, 93, 42, 3)
    covers = [
        (CREAM, RED),
        ((60, 70, 90), YELLOW),
        ((150, 200, 230), NAVY),
        ((230, 190, 120), GREEN),
        ((90, 60, 110), ORANGE),
        ((210, 226, 210), BLUE),
    ]
    for index, (cover, mark) in enumerate(covers):
        left, top = 8 + index % 3 * 29, 8 + index // 3 * 44
        _case(
            sheet,
            left,
            top,
            26,
            40,
            (110, 180, 70),
            cover,
            ("RACING", "FOOTBALL", "QUEST", "SAFARI", "NIGHT", "TENNIS")[index],
        )
        x, y = left + 13, top + 24
        if index % 3 == 0:
            sheet.box(x - 8, y, x + 8, y + 6, mark, round_=2)
            for wheel in (-5, 5):
                sheet.disc(x + wheel, y + 6, 2.4, BLACK)
        elif index % 3 == 1:
            sheet.disc(x, y, 7, WHITE)
            sheet.star(x, y, 3.4, mark)
        else:
            sheet.poly([(x - 9, y + 9), (x, y - 8), (x + 9, y + 9)], mark)
            sheet.disc(x + 6, y - 6, 2.4, YELLOW)


def download_card(sheet: Sketch) -> None:
    """A card with an activation key: a fortress."""
    sheet.ground(50, 82, 40, 3)
    sheet.box(10, 20, 90, 80, (58, 48, 88), round_=4)
    sheet.disc(76, 43, 7, (236, 226, 190))
    sheet.poly([(10, 66), (34, 52), (60, 60), (90, 46), (90, 70), (10, 70)], (40, 34, 62), flat=True)
    for left, top in ((26, 40), (40, 34), (54, 42)):
        sheet.box(left, top, left + 9, 64, (150, 140, 160))
        for step in range(3):
            sheet.box(left + step * 3.4, top - 3, left + step * 3.4 + 2, top, (150, 140, 160))
    sheet.box(26, 50, 63, 66, (126, 116, 140))
    sheet.box(42, 56, 48, 66, (50, 40, 50), round_=2)
    sheet.words(50, 27, "CITADELLES PERDUES", GOLD, 6)
    sheet.box(16, 70, 84, 77, WHITE, round_=1)
    sheet.words(50, 73.4, "X7K2 - PQ4M - 9TRA - 55LD", BLACK, 4)


def download_disc(sheet: Sketch) -> None:
    """A box of a PC game: a train, and a download arrow."""
    sheet.ground(50, 92, 30, 3)
    sheet.box(20, 6, 80, 92, (60, 64, 70), round_=1)
    sheet.box(22, 8, 78, 90, (178, 214, 226))
    sheet.words(50, 16, "TRAIN DEPOT", NAVY, 7)
    sheet.words(50, 24, "SIMULATOR", NAVY, 5)
    sheet.box(22, 64, 78, 90, (150, 160, 120), flat=True)
    sheet.box(28, 42, 60, 64, GREEN, round_=2)
    sheet.box(58, 34, 74, 64, shade(GREEN, 0.85), round_=1)
    sheet.box(61, 38, 71, 47, (226, 240, 246))
    sheet.box(33, 34, 38, 43, BLACK)
    for x in (34, 45, 56, 67):
        sheet.disc(x, 67, 4.6, BLACK)
        sheet.disc(x, 67, 2, RED)
    sheet.line([(22, 72.4), (78, 72.4)], GREY, 1.2)
    sheet.box(58, 76, 76, 88, BLUE, round_=2)
    sheet.line([(67, 78), (67, 84)], WHITE, 1.4)
    sheet.poly([(63.6, 82), (70.4, 82), (67, 86.4)], WHITE)
    sheet.words(38, 82, "PC", TEAL, 9)


PICTURES = {
    "game-case-blue": game_case_blue,
    "cartridge": cartridge,
    "controller": controller,
    "headset": headset,
    "console-white": console_white,
    "console-black": console_black,
    "console-bundle": console_bundle,
    "games-lot": games_lot,
    "download-card": download_card,
    "download-disc": download_disc,
}
