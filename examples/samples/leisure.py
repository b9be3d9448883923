"""Sport and leisure, and things for babies."""

from __future__ import annotations

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    DARK_WOOD,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    PURPLE,
    RED,
    SILVER,
    TEAL,
    WHITE,
    Sketch,
    shade,
)


def dartboard(sheet: Sketch) -> None:
    """A dartboard with three darts."""
    from math import cos, pi, sin

    sheet.ground(50, 95, 30, 2)
    sheet.disc(50, 49, 44, BLACK)
    for number in range(20):
        first, last = (pi * (number * 2 - 1) / 20, pi * (number * 2 + 1) / 20)
        for radius, colours in ((36, (RED, GREEN)), (33.5, (BLACK, CREAM)), (22, (RED, GREEN)), (19.5, (BLACK, CREAM))):
            wedge = [(50.0, 49.0)] + [
                (50 + radius * cos(first + (last - first) * s / 4), 49 + radius * sin(first + (last - first) * s / 4))
                for s in range(5)
            ]
            sheet.poly(wedge, colours[number % 2], flat=True)
    sheet.disc(50, 49, 4, GREEN)
    sheet.disc(50, 49, 2, RED)
    order = (6, 10, 15, 2, 17, 3, 19, 7, 16, 8, 11, 14, 9, 12, 5, 20, 1, 18, 4, 13)
    for number, value in enumerate(order):
        sheet.words(50 + 40 * cos(pi * number / 10), 49 + 40 * sin(pi * number / 10), str(value), WHITE, 3.6)
    for x, y, colour in ((52, 47, BLUE), (60, 36, ORANGE), (42, 58, BLUE)):
        sheet.line([(x, y), (x + 12, y + 14)], SILVER, 1.6)
        sheet.poly([(x + 11, y + 12), (x + 21, y + 17), (x + 19, y + 19), (x + 17, y + 23), (x + 12, y + 15)], colour)


def baby_socks(sheet: Sketch) -> None:
    """Three pairs of small socks."""
    for index, colour in enumerate((PINK, (150, 196, 220), (240, 214, 130))):
        for pair in (8, 0):
            x, y = 4 + index * 29 + pair, 20 + index % 2 * 10 - pair * 0.6
            sheet.ground(x + 12, y + 57, 12, 2)
            sheet.box(x, y, x + 15, y + 46, colour, round_=3)
            sheet.oval(x + 13, y + 47, 13, 9, colour)
            sheet.oval(x + 22, y + 49, 5, 6, WHITE)
            sheet.box(x - 0.6, y, x + 15.6, y + 8, WHITE, round_=2)
            for row in range(3):
                sheet.disc(x + 4, y + 16 + row * 9, 1.8, WHITE)
                sheet.disc(x + 10, y + 20 + row * 9, 1.8, WHITE)


def trampoline(sheet: Sketch) -> None:
    """A garden trampoline with a net."""
    sheet.ground(50, 90, 42, 4)
    for x in (14, 36, 64, 86):
        sheet.line([(x, 68), (x, 90)], GREY, 2)
    for x in (8, 30, 70, 92):
        sheet.line([(x, 12), (x, 66)], SILVER, 2.2)
    for x in range(12, 92, 4):
        sheet.line([(x, 17), (x, 58)], (196, 202, 210), 0.35)
    for y in range(20, 58, 4):
        sheet.line([(8, y), (92, y)], (196, 202, 210), 0.35)
    sheet.arc(50, 14, 42, 5, 0, 360, (110, 116, 126), 0.8)
    sheet.oval(50, 64, 44, 13, BLUE)
    sheet.oval(50, 63, 36, 9, BLACK)
    for x in (66, 74):
        sheet.line([(x, 74), (x + 3, 94)], SILVER, 1.6)
    for y in (80, 86):
        sheet.line([(67, y), (76, y)], SILVER, 1.6)


def fishing_rod(sheet: Sketch) -> None:
    """A rod with a reel, and a float."""
    sheet.ground(46, 92, 34, 2)
    sheet.line([(94, 6), (34, 66)], (60, 70, 90), 1.5)
    sheet.line([(52, 48), (22, 78)], (70, 80, 104), 2.4)
    sheet.line([(30, 70), (10, 90)], (190, 150, 100), 5)
    sheet.line([(34, 66), (30, 70)], BLACK, 4)
    for x, y in ((52, 46), (64, 34), (76, 22), (86, 12)):
        sheet.ring(x + 1.6, y + 2.4, 2, 2.6, SILVER, 0.8)
    sheet.line([(27, 73), (36, 82)], GREY, 2.4)
    sheet.oval(40, 84, 10, 8, (60, 64, 72))
    sheet.oval(40, 84, 6, 5, RED)
    sheet.line([(40, 84), (52, 90)], SILVER, 2)
    sheet.disc(53, 91, 2.6, BLACK)
    sheet.line([(94, 6), (80, 60)], (170, 176, 184), 0.4)
    sheet.oval(79, 66, 4, 7, RED)
    sheet.oval(79, 70, 4, 4, WHITE)
    sheet.line([(79, 73), (79, 82)], GREY, 0.5)
    sheet.arc(77, 83, 2, 3, 0, 180, GREY, 0.7)


def pram(sheet: Sketch) -> None:
    """A grey pushchair with a hood."""
    sheet.ground(50, 92, 38, 3)
    sheet.line([(84, 16), (74, 24), (34, 84)], BLACK, 2.6)
    sheet.line([(30, 40), (66, 84)], BLACK, 2.6)
    sheet.line([(82, 15), (91, 19)], DARK_WOOD, 3.4)
    sheet.poly([(24, 46), (76, 46), (70, 68), (40, 70)], (120, 126, 136))
    sheet.poly([(28, 60), (20, 66), (24, 72), (40, 70)], (100, 106, 116))
    sheet.poly([(48, 46), (50, 16), (62, 12), (74, 18), (82, 32), (80, 46)], (142, 148, 158))
    for x in (56, 66):
        sheet.line([(64, 46), (x - 3, 14)], (116, 122, 132), 0.8)
    sheet.box(40, 74, 64, 82, (90, 94, 102), round_=2)
    for x in (32, 68):
        sheet.disc(x, 84, 8.4, BLACK)
        sheet.disc(x, 84, 5.4, SILVER)
        sheet.disc(x, 84, 1.6, BLACK)


def baby_bottle(sheet: Sketch) -> None:
    """A feeding bottle."""
    sheet.ground(50, 94, 20, 3)
    sheet.oval(50, 14, 6, 8, (238, 206, 160))
    sheet.oval(50, 22, 12, 5, (238, 206, 160))
    sheet.box(33, 23, 67, 35, TEAL, round_=2)
    for x in range(36, 67, 4):
        sheet.line([(x, 25), (x, 33)], shade(TEAL, 0.8), 0.6)
    sheet.box(32, 34, 68, 94, (222, 234, 242), round_=7)
    sheet.box(34, 52, 66, 92, WHITE, round_=6)
    sheet.box(34, 52, 66, 92, (250, 246, 236), round_=6)
    for row in range(6):
        sheet.line([(36, 86 - row * 7), (43 if row % 2 else 46, 86 - row * 7)], TEAL, 0.7)
    sheet.words(56, 72, "260", TEAL, 5)
    sheet.star(56, 58, 4, PURPLE)


PICTURES = {
    "dartboard": dartboard,
    "baby-socks": baby_socks,
    "trampoline": trampoline,
    "fishing-rod": fishing_rod,
    "pram": pram,
    "baby-bottle": baby_bottle,
}
