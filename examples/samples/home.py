"""Furniture, linen, food, lamps, and things for pets."""

from __future__ import annotations

from math import cos, pi, sin

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    DARK_WOOD,
    GOLD,
    GREEN,
    NAVY,
    ORANGE,
    RED,
    SILVER,
    TEAL,
    WHITE,
    WOOD,
    YELLOW,
    Sketch,
    shade,
)


def wooden_chair(sheet: Sketch) -> None:
    """Two chairs with grey seats."""
    for x, y in ((54, -4), (8, 4)):
        sheet.ground(x + 18, y + 90, 20, 3)
        for leg, lean in ((4, -2), (32, 2)):
            sheet.line([(x + leg, y + 56), (x + leg + lean, y + 90)], WOOD, 3)
        for leg in (8, 28):
            sheet.line([(x + leg, y + 52), (x + leg, y + 82)], DARK_WOOD, 2.4)
        for post in (5, 31):
            sheet.line([(x + post, y + 12), (x + post, y + 54)], WOOD, 3)
        sheet.box(x + 3, y + 10, x + 33, y + 28, WOOD, round_=4)
        sheet.box(x + 6, y + 34, x + 30, y + 38, WOOD, round_=1)
        sheet.poly([(x + 4, y + 48), (x + 32, y + 48), (x + 37, y + 58), (x - 1, y + 58)], (160, 166, 174))
        sheet.box(x - 1, y + 57, x + 37, y + 62, (130, 136, 144), round_=1)


def bookcase(sheet: Sketch) -> None:
    """A white bookcase with some things in it."""
    sheet.ground(50, 95, 28, 2)
    sheet.box(26, 4, 74, 95, (216, 218, 222))
    sheet.box(28.5, 6.5, 71.5, 93, (190, 194, 200))
    for shelf in range(5):
        top = 6.5 + shelf * 17.6
        sheet.box(28.5, top, 71.5, top + 15.4, (234, 236, 239))
        sheet.box(26, top + 15.2, 74, top + 17.6, WHITE)
        sheet.box(26, top + 15.2, 74, top + 17.6, (244, 245, 247))
    for shelf, colours in ((1, (RED, NAVY, YELLOW, TEAL)), (3, (GREEN, ORANGE, BLUE))):
        for index, colour in enumerate(colours):
            bottom = 6.5 + shelf * 17.6 + 15.2
            sheet.box(32 + index * 4.4, bottom - 12 + index % 2 * 2, 36 + index * 4.4, bottom, colour)
    sheet.box(56, 13, 66, 21.6, (190, 120, 80), round_=1)
    for x, y in ((57, 9), (61, 7), (65, 10)):
        sheet.oval(x, y + 2, 2.6, 4, GREEN)
    sheet.box(50, 63, 66, 74.4, (180, 160, 130), round_=1)
    sheet.oval(42, 54, 6, 3, TEAL)
    sheet.box(36, 81, 62, 92, (160, 140, 110), round_=1)
    sheet.box(46, 85, 52, 87, DARK_WOOD, round_=1)


def cushion(sheet: Sketch) -> None:
    """A cushion with a blue pattern."""
    sheet.ground(50, 88, 38, 3)
    corners = [(10, 12), (50, 17), (90, 12), (85, 50), (90, 88), (50, 83), (10, 88), (15, 50)]
    sheet.poly(corners, CREAM)
    for row in range(4):
        for column in range(4):
            x, y = 24 + column * 17.4, 26 + row * 16
            colour = (BLUE, NAVY, (130, 170, 214))[(row + column) % 3]
            sheet.poly([(x, y - 7.6), (x + 8, y), (x, y + 7.6), (x - 8, y)], colour)
            sheet.poly([(x, y - 3), (x + 3.2, y), (x, y + 3), (x - 3.2, y)], CREAM)
    sheet.line([*corners, corners[0]], shade(CREAM, 0.8), 0.7)


def duvet_cover(sheet: Sketch) -> None:
    """A made bed with stripes and two pillows."""
    sheet.ground(50, 90, 46, 3)
    sheet.box(6, 12, 94, 60, (150, 110, 74), round_=4)
    sheet.poly([(8, 50), (92, 50), (98, 90), (2, 90)], (222, 232, 240))
    for stripe in range(9):
        left, low = 8 + stripe * 9.4, 2 + stripe * 10.7
        sheet.poly([(left, 56), (left + 4, 56), (low + 4.6, 90), (low, 90)], (120, 160, 196))
    sheet.poly([(8, 50), (92, 50), (93, 58), (7, 58)], WHITE)
    for x in (29, 71):
        sheet.box(x - 18, 30, x + 18, 54, (236, 242, 248), round_=6)
        for stripe in range(4):
            sheet.box(x - 13 + stripe * 7, 32, x - 10.4 + stripe * 7, 52, (150, 184, 214))


def jam(sheet: Sketch) -> None:
    """A jar of apricot jam."""
    sheet.ground(50, 93, 30, 4)
    sheet.box(22, 26, 78, 93, (222, 130, 40), round_=8)
    sheet.box(24, 22, 76, 32, (236, 226, 214), round_=3)
    sheet.box(20, 8, 80, 24, RED, round_=3)
    for x in range(22, 80, 6):
        for y in (9, 15, 20):
            sheet.box(x + (3 if y == 15 else 0), y, x + 2.6 + (3 if y == 15 else 0), y + 2.4, WHITE, flat=True)
    sheet.box(25, 34, 28, 84, (250, 190, 110), round_=1)
    sheet.box(31, 42, 73, 82, CREAM, round_=2)
    sheet.words(52, 50, "ABRICOTS", (150, 70, 20), 6)
    sheet.disc(46, 66, 8, ORANGE)
    sheet.disc(58, 68, 8, (244, 160, 70))
    sheet.arc(46, 66, 3, 8, 270, 400, shade(ORANGE, 0.8), 0.8)
    sheet.oval(52, 57, 6, 2.6, GREEN)
    sheet.words(52, 78.6, "370 g", (150, 70, 20), 3.4)


def tea(sheet: Sketch) -> None:
    """A box of mint tea, a cup before it."""
    sheet.ground(48, 86, 40, 4)
    sheet.poly([(14, 16), (24, 10), (76, 10), (66, 16)], (120, 180, 130))
    sheet.poly([(66, 16), (76, 10), (76, 80), (66, 86)], shade(GREEN, 0.7))
    sheet.box(14, 16, 66, 86, GREEN)
    sheet.box(20, 24, 60, 46, CREAM, round_=2)
    sheet.words(40, 30, "THE VERT", GREEN, 6)
    sheet.words(40, 38.6, "A LA MENTHE", GREEN, 4.4)
    for x, y, turn in ((30, 60, -1), (40, 54, 0), (50, 60, 1)):
        sheet.poly([(x, y + 12), (x - 5, y), (x + turn * 3, y - 7), (x + 5, y)], (160, 210, 130))
    sheet.words(40, 80, "20 sachets", WHITE, 3.6)
    sheet.ground(74, 92, 18, 3)
    sheet.ring(90, 78, 6, 7, WHITE, 2.4)
    sheet.ring(90, 78, 6, 7, SILVER, 2)
    sheet.poly([(58, 68), (92, 68), (86, 92), (64, 92)], (242, 242, 244))
    sheet.oval(75, 68, 17, 4.4, WHITE)
    sheet.oval(75, 68.4, 15, 3.4, (176, 160, 70))


def table_lamp(sheet: Sketch) -> None:
    """A bedside lamp."""
    sheet.ground(50, 93, 22, 3)
    sheet.poly([(34, 8), (66, 8), (82, 46), (18, 46)], (232, 214, 178))
    sheet.poly([(34, 8), (40, 8), (34, 46), (18, 46)], (244, 232, 204))
    sheet.oval(50, 46, 32, 3.4, (214, 194, 156))
    sheet.line([(50, 48), (50, 54)], GOLD, 2)
    sheet.oval(50, 72, 17, 19, (238, 238, 240))
    sheet.box(44, 52, 56, 58, (226, 226, 230), round_=2)
    sheet.box(36, 88, 64, 93, (222, 222, 226), round_=2)
    for row in range(3):
        sheet.arc(50, 64 + row * 8, 15.4, 3, 10, 170, (206, 208, 214), 0.8)


def wall_clock(sheet: Sketch) -> None:
    """A black clock with gold hands."""
    sheet.ground(50, 95, 26, 2)
    sheet.disc(50, 49, 43, GOLD)
    sheet.disc(50, 49, 40.4, (36, 36, 40))
    for hour in range(12):
        angle = pi * hour / 6
        inner = 31 if hour % 3 else 28
        sheet.line(
            [(50 + inner * cos(angle), 49 + inner * sin(angle)), (50 + 36 * cos(angle), 49 + 36 * sin(angle))],
            GOLD,
            1.2 if hour % 3 else 2.4,
        )
    for angle, length, width in ((-2.62, 20, 2.4), (-0.52, 29, 1.8)):
        sheet.line([(50, 49), (50 + length * cos(angle), 49 + length * sin(angle))], GOLD, width)
    sheet.line([(50, 55), (50, 22)], RED, 0.8)
    sheet.disc(50, 49, 2.4, GOLD)


def pet_bed(sheet: Sketch) -> None:
    """A round bed with a cat in it."""
    sheet.ground(50, 84, 44, 5)
    sheet.oval(50, 62, 44, 25, (138, 142, 150))
    sheet.oval(50, 56, 36, 17, (104, 108, 116))
    sheet.oval(50, 60, 33, 14, (196, 190, 182))
    cat = (224, 150, 76)
    sheet.oval(54, 54, 22, 11, cat)
    sheet.arc(58, 58, 20, 9, 0, 140, shade(cat, 0.86), 4)
    sheet.oval(36, 52, 10, 9, cat)
    sheet.poly([(28, 47), (29, 37), (36, 44)], cat)
    sheet.poly([(44, 47), (44, 37), (37, 44)], cat)
    for x in (32.6, 39.4):
        sheet.arc(x, 51, 2, 1.6, 10, 170, BLACK, 0.7)
    sheet.poly([(35, 54), (37.4, 54), (36.2, 55.6)], (206, 110, 110))
    for x in (48, 54, 60):
        sheet.line([(x, 44), (x + 1, 49)], shade(cat, 0.75), 1.4)
    sheet.arc(50, 62, 43, 24, 20, 160, (160, 164, 172), 3)


def dog_collar(sheet: Sketch) -> None:
    """A red collar with a lead."""
    sheet.ground(44, 88, 34, 3)
    sheet.arc(66, 34, 24, 22, 150, 400, RED, 3)
    sheet.arc(66, 34, 24, 22, 150, 400, shade(RED, 0.92), 2)
    sheet.ring(36, 62, 28, 22, RED, 7)
    sheet.ring(36, 62, 28, 22, shade(RED, 1.1), 1)
    sheet.box(28, 76, 46, 90, BLACK, round_=2)
    sheet.box(33, 80, 41, 86, (80, 80, 86), round_=1)
    sheet.ring(62, 64, 4, 4, SILVER, 1.6)
    sheet.line([(64, 62), (76, 50), (86, 44)], SILVER, 2.2)
    sheet.line([(84, 46), (84, 44)], RED, 3)
    sheet.disc(10, 64, 6, GOLD)
    sheet.words(10, 64, "REX", BLACK, 3)


PICTURES = {
    "wooden-chair": wooden_chair,
    "bookcase": bookcase,
    "cushion": cushion,
    "duvet-cover": duvet_cover,
    "jam": jam,
    "tea": tea,
    "table-lamp": table_lamp,
    "wall-clock": wall_clock,
    "pet-bed": pet_bed,
    "dog-collar": dog_collar,
}
