"""Pools, garden furniture and tools."""

from __future__ import annotations

from math import cos, radians, sin

from examples.samples.sketch import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SILVER,
    TEAL,
    WHITE,
    YELLOW,
    Sketch,
    shade,
)


def pool_round(sheet: Sketch) -> None:
    """A round pool with a pump and a ladder."""
    sheet.ground(48, 80, 44, 6)
    sheet.oval(46, 72, 42, 14, (70, 126, 186))
    sheet.box(4, 44, 88, 72, (70, 126, 186), flat=True)
    for x in range(8, 88, 3):
        sheet.line(
            [(x, 50 + 12 * sin(radians((x - 4) / 84 * 180))), (x, 68 + 13 * sin(radians((x - 4) / 84 * 180)))],
            (82, 140, 198),
            0.5,
        )
    for angle in range(15, 171, 26):
        x, y = 46 - 42 * cos(radians(angle)), 44 + 13 * sin(radians(angle))
        sheet.line([(x, y), (x, y + 29)], (230, 234, 238), 2)
    sheet.oval(46, 44, 43.6, 14.4, (214, 220, 226))
    sheet.oval(46, 44.6, 40, 12, (110, 196, 226))
    for row in range(4):
        for wave in range(6):
            x, y = 18 + wave * 9.4 + row % 2 * 4, 38 + row * 4
            sheet.arc(x, y, 2.6, 1, 200, 340, WHITE, 0.5)
    for x in (60, 68):
        sheet.line([(x, 24), (x, 86)], (240, 242, 245), 1.8)
        sheet.line([(x + 0.6, 24), (x + 0.6, 86)], GREY, 0.4)
    sheet.arc(64, 24, 4, 5, 180, 360, (210, 214, 220), 1.8)
    for step in range(5):
        sheet.line([(60, 58 + step * 6), (68, 58 + step * 6)], GREY, 1.4)
    sheet.line([(80, 70), (92, 78)], GREY, 2)
    sheet.box(86, 66, 98, 86, (90, 98, 108), round_=2)
    sheet.oval(92, 66, 6, 2.4, (130, 138, 148))


def pool_brush(sheet: Sketch) -> None:
    """A net, a brush and a thermometer for a pool."""
    sheet.ground(50, 94, 40, 2)
    sheet.line([(30, 44), (40, 94)], SILVER, 2.2)
    sheet.box(10, 8, 46, 42, (70, 140, 200), round_=6)
    sheet.box(13, 11, 43, 39, (226, 240, 248), round_=5)
    for step in range(14, 43, 3):
        sheet.line([(step, 11.6), (step, 38.4)], (170, 200, 220), 0.4)
        sheet.line([(13.6, step - 2), (42.4, step - 2)], (170, 200, 220), 0.4)
    sheet.line([(29, 40), (30.4, 48)], (70, 140, 200), 3.4)
    sheet.line([(62, 40), (54, 94)], SILVER, 2.2)
    sheet.poly([(50, 26), (84, 30), (80, 40), (52, 38)], BLUE)
    for step in range(12):
        sheet.line([(50.6 + step * 2.8, 25.6 + step * 0.35), (50 + step * 2.9, 14 + step * 0.5)], WHITE, 1.4)
        sheet.line([(51.4 + step * 2.8, 25.6 + step * 0.35), (51 + step * 2.9, 14 + step * 0.5)], (190, 206, 220), 0.7)
    sheet.oval(82, 66, 10, 8, YELLOW)
    sheet.oval(82, 64, 6, 4, ORANGE)
    sheet.box(78.6, 72, 85.4, 93, WHITE, round_=3)
    sheet.box(78.6, 72, 85.4, 93, (236, 240, 244), round_=3)
    sheet.line([(82, 78), (82, 90)], RED, 1.4)
    for row in range(5):
        sheet.line([(83.4, 77 + row * 3), (84.8, 77 + row * 3)], GREY, 0.4)


def parasol(sheet: Sketch) -> None:
    """A garden parasol."""
    sheet.ground(50, 94, 20, 3)
    sheet.line([(50, 10), (50, 92)], SILVER, 2.2)
    sheet.line([(51, 62), (57, 66)], BLACK, 1.4)
    canvas = (236, 226, 200)
    edge = [(4, 42), (20, 48), (38, 51), (62, 51), (80, 48), (96, 42)]
    for index in range(5):
        sheet.poly([(50, 8), edge[index], edge[index + 1]], shade(canvas, 1.06 - index * 0.06), flat=True)
        middle = ((edge[index][0] + edge[index + 1][0]) / 2, edge[index][1] + 4)
        sheet.poly([edge[index], edge[index + 1], middle], shade(canvas, 0.98 - index * 0.06), flat=True)
    sheet.disc(50, 7.4, 1.8, SILVER)
    sheet.box(38, 90, 62, 95, (90, 94, 100), round_=2)


def garden_set(sheet: Sketch) -> None:
    """A small table and two folding chairs."""
    steel = (74, 78, 84)
    sheet.ground(50, 90, 44, 4)
    for x, side in ((6, 1), (94, -1)):
        sheet.line([(x, 22), (x + side * 10, 60), (x + side * 26, 90)], steel, 2)
        sheet.line([(x + side * 26, 58), (x + side * 4, 90)], steel, 2)
        for row in range(4):
            sheet.line(
                [(x + side * (0.6 + row * 1.6), 24 + row * 6), (x + side * (6 + row * 1.6), 22.6 + row * 6)], steel, 2.6
            )
        sheet.poly(
            [(x + side * 8, 58), (x + side * 28, 56), (x + side * 30, 61), (x + side * 9, 63)], shade(steel, 1.15)
        )
    sheet.line([(40, 52), (60, 90)], steel, 2)
    sheet.line([(60, 52), (40, 90)], steel, 2)
    sheet.poly([(34, 44), (66, 44), (72, 52), (28, 52)], shade(steel, 1.35))
    sheet.box(28, 51, 72, 54, steel)
    for step in range(5):
        sheet.line([(36 + step * 7, 45), (33 + step * 8.5, 51)], shade(steel, 0.9), 0.8)
    sheet.box(46, 34, 54, 47, (206, 120, 80), round_=1)
    for x, y in ((45, 30), (50, 26), (55, 30)):
        sheet.oval(x, y, 3.4, 5, GREEN)


def drill(sheet: Sketch) -> None:
    """A cordless drill with a second battery."""
    sheet.ground(46, 92, 38, 4)
    sheet.line([(6, 33), (20, 33)], GREY, 1.8)
    sheet.poly([(18, 28), (32, 25), (32, 41), (18, 38)], BLACK)
    sheet.box(31, 22, 40, 44, SILVER, round_=1)
    sheet.box(38, 18, 82, 46, TEAL, round_=5)
    sheet.box(66, 22, 80, 42, (44, 46, 52), round_=3)
    for row in range(4):
        sheet.line([(69, 26 + row * 4.2), (77, 26 + row * 4.2)], GREY, 1)
    sheet.poly([(54, 44), (76, 44), (82, 76), (62, 76)], TEAL)
    sheet.poly([(62, 48), (76, 48), (80, 74), (68, 74)], (44, 46, 52))
    sheet.poly([(50, 46), (56, 46), (58, 56), (53, 56)], RED)
    sheet.box(50, 74, 92, 91, (44, 46, 52), round_=2)
    sheet.box(56, 79, 74, 86, YELLOW, round_=1)
    sheet.words(65, 82.4, "18 V", BLACK, 4)
    sheet.box(6, 72, 38, 92, (44, 46, 52), round_=2)
    sheet.box(12, 66, 32, 73, (70, 74, 80), round_=1)
    sheet.box(11, 78, 27, 86, YELLOW, round_=1)
    sheet.words(19, 82, "18 V", BLACK, 4)


def garden_hose(sheet: Sketch) -> None:
    """A coiled hose with a spray gun."""
    sheet.ground(46, 90, 38, 4)
    for ring in range(6):
        size = 34 - ring * 3.6
        sheet.ring(44, 50, size, size, (70, 150, 80), 3.4)
        sheet.ring(44, 50, size - 1, size - 1, YELLOW, 0.5)
    sheet.line([(74, 66), (84, 74)], (70, 150, 80), 3.4)
    sheet.box(80, 70, 90, 82, BLACK, round_=1)
    sheet.poly([(82, 44), (92, 44), (90, 72), (82, 72)], ORANGE)
    sheet.poly([(68, 34), (92, 38), (92, 48), (68, 44)], (60, 62, 68))
    sheet.box(62, 32, 69, 46, YELLOW, round_=1)
    sheet.line([(80, 48), (78, 64)], BLACK, 2)
    sheet.box(10, 82, 20, 92, ORANGE, round_=1)
    sheet.box(12, 78, 18, 83, BLACK, round_=1)


PICTURES = {
    "pool-round": pool_round,
    "pool-brush": pool_brush,
    "parasol": parasol,
    "garden-set": garden_set,
    "drill": drill,
    "garden-hose": garden_hose,
}
