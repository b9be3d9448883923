"""Toys, figures, sport and things for babies."""

from __future__ import annotations

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    DARK_WOOD,
    GOLD,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    PURPLE,
    RED,
    SILVER,
    TEAL,
    WHITE,
    WOOD,
    YELLOW,
    Colour,
    Sketch,
    shade,
)


def robot_figure(sheet: Sketch) -> None:
    """A robot on a stand."""
    sheet.ground(50, 92, 26, 3)
    sheet.oval(50, 89, 24, 5, BLACK)
    for x in (40, 60):
        sheet.box(x - 5, 60, x + 5, 86, (90, 110, 150), round_=2)
        sheet.box(x - 7, 80, x + 7, 88, RED, round_=2)
    sheet.box(33, 32, 67, 62, RED, round_=4)
    sheet.box(40, 38, 60, 50, YELLOW, round_=2)
    sheet.disc(50, 44, 4, (110, 200, 230))
    for x, end in ((26, 20), (74, 80)):
        sheet.disc(x, 36, 6, SILVER)
        sheet.line([(x, 38), (end, 56)], (90, 110, 150), 6)
        sheet.disc(end, 60, 5.5, RED)
    sheet.box(40, 12, 60, 31, SILVER, round_=4)
    sheet.box(43, 18, 57, 23, (40, 60, 90), round_=2)
    for x in (46.5, 53.5):
        sheet.disc(x, 20.5, 1.6, (120, 230, 240))
    for x in (40, 60):
        sheet.line([(x, 16), (x + (x - 50) * 0.5, 6)], GREY, 1.4)


def keyring(sheet: Sketch) -> None:
    """A cat in a space suit on a key ring."""
    sheet.ground(50, 92, 20, 3)
    sheet.ring(50, 16, 12, 12, SILVER, 2.2)
    for y in (28, 33):
        sheet.ring(50, y, 2.4, 3.4, GREY, 1.2)
    sheet.oval(50, 76, 15, 15, WHITE)
    sheet.oval(50, 76, 15, 15, (226, 230, 238))
    for x in (33, 67):
        sheet.oval(x, 72, 5, 8, (226, 230, 238))
    for x in (42, 58):
        sheet.oval(x, 89, 6, 4, (120, 130, 150))
    sheet.disc(50, 52, 19, (196, 220, 236))
    sheet.poly([(36, 48), (38, 37), (46, 44)], ORANGE)
    sheet.poly([(64, 48), (62, 37), (54, 44)], ORANGE)
    sheet.oval(50, 54, 14, 12, ORANGE)
    for x in (44, 56):
        sheet.oval(x, 52, 2, 3, BLACK)
    sheet.poly([(48, 57), (52, 57), (50, 59.6)], PINK)
    for side in (-1, 1):
        for y in (57, 60):
            sheet.line([(50 + side * 5, y), (50 + side * 13, y - 1)], CREAM, 0.5)
    sheet.ring(50, 52, 20, 20, SILVER, 2)
    sheet.box(45, 73, 55, 80, RED, round_=1)


def miniature_knight(sheet: Sketch) -> None:
    """An unpainted knight on a round base."""
    grey = (168, 170, 174)
    sheet.ground(50, 93, 28, 3)
    sheet.oval(50, 89, 24, 5, (90, 92, 96))
    sheet.oval(50, 87, 24, 5, (120, 122, 126))
    for x in (43, 58):
        sheet.box(x - 4.5, 60, x + 4.5, 87, grey, round_=2)
        sheet.box(x - 6, 81, x + 6, 87, shade(grey, 0.85), round_=2)
    sheet.poly([(36, 34), (64, 34), (67, 66), (33, 66)], grey)
    sheet.poly([(64, 32), (74, 46), (72, 84), (64, 66)], shade(grey, 0.75))
    sheet.line([(34, 38), (26, 54)], grey, 7)
    sheet.line([(66, 38), (74, 50)], grey, 7)
    sheet.box(39, 10, 61, 33, grey, round_=6)
    sheet.box(41, 19, 59, 22.4, (70, 72, 76))
    for x in (46, 50, 54):
        sheet.box(x - 0.6, 25, x + 0.6, 30, (90, 92, 96), flat=True)
    sheet.poly([(50, 10), (46, 2), (58, 4)], shade(grey, 0.85))
    sheet.line([(26, 12), (26, 78)], shade(grey, 0.9), 3)
    sheet.line([(19, 60), (33, 60)], shade(grey, 0.7), 3)
    sheet.poly([(66, 44), (86, 44), (85, 62), (76, 74), (67, 62)], shade(grey, 1.1))
    sheet.box(75, 47, 77.4, 68, shade(grey, 0.75))
    sheet.box(69, 54, 83, 56.4, shade(grey, 0.75))


def _die(sheet: Sketch, x: float, y: float, size: float, corners: int, digit: str, colour: Colour) -> None:
    from math import cos, pi, sin

    points = [
        (x + size * cos(2 * pi * n / corners - pi / 2), y + size * sin(2 * pi * n / corners - pi / 2))
        for n in range(corners)
    ]
    sheet.ground(x, y + size * 0.9, size * 0.9, 2)
    sheet.poly(points, colour)
    inner = [(x + (px - x) * 0.6, y + (py - y) * 0.6) for px, py in points]
    for (px, py), (ix, iy) in zip(points, inner, strict=True):
        sheet.line([(px, py), (ix, iy)], shade(colour, 0.65), 0.5)
    sheet.poly(inner, shade(colour, 1.25))
    sheet.words(x, y, digit, GOLD, size * 0.55)


def dice_set(sheet: Sketch) -> None:
    """Seven dice and their bag."""
    sheet.ground(72, 58, 20, 4)
    sheet.poly([(56, 26), (88, 26), (94, 54), (86, 60), (58, 60), (50, 54)], (88, 36, 86))
    sheet.poly([(58, 26), (52, 12), (66, 18), (72, 8), (79, 18), (92, 12), (86, 26)], (112, 52, 110))
    sheet.line([(56, 26), (88, 26)], GOLD, 1.6)
    green = (40, 126, 92)
    for x, y, size, corners, digit in (
        (22, 28, 13, 3, "4"),
        (36, 50, 12, 4, "6"),
        (16, 58, 11, 6, "8"),
        (34, 78, 12, 5, "12"),
        (58, 80, 13, 6, "20"),
        (80, 78, 11, 4, "10"),
        (56, 62, 8, 4, "00"),
    ):
        _die(sheet, x, y, size, corners, digit, green)


def teddy(sheet: Sketch) -> None:
    """A brown bear."""
    fur = (160, 106, 62)
    sheet.ground(50, 93, 30, 4)
    for x in (32, 68):
        sheet.disc(x, 17, 9, fur)
        sheet.disc(x, 18, 5, (212, 166, 120))
    for x in (24, 76):
        sheet.oval(x, 60, 8, 15, fur)
    sheet.oval(50, 66, 24, 25, fur)
    sheet.oval(50, 70, 14, 16, (212, 166, 120))
    for x in (32, 68):
        sheet.oval(x, 87, 11, 8, fur)
        sheet.oval(x, 88, 6, 4.5, (212, 166, 120))
    sheet.disc(50, 32, 22, fur)
    sheet.oval(50, 40, 11, 8.6, (222, 182, 140))
    sheet.oval(50, 36, 4, 2.8, BLACK)
    sheet.arc(50, 40, 4, 3.4, 20, 160, BLACK, 0.8)
    for x in (41, 59):
        sheet.disc(x, 29, 2.4, BLACK)
        sheet.disc(x - 0.7, 28.3, 0.8, WHITE)
    sheet.poly([(50, 54), (38, 49), (38, 59)], RED)
    sheet.poly([(50, 54), (62, 49), (62, 59)], RED)
    sheet.disc(50, 54, 3, shade(RED, 0.8))


def toy_truck(sheet: Sketch) -> None:
    """A wooden tipper truck."""
    sheet.ground(50, 80, 42, 4)
    sheet.box(10, 60, 90, 70, WOOD, round_=2)
    sheet.poly([(8, 30), (60, 30), (56, 60), (16, 60)], YELLOW)
    sheet.poly([(8, 30), (60, 30), (59, 36), (10, 36)], shade(YELLOW, 0.85))
    for x in (22, 34, 46):
        sheet.line([(x, 38), (x + 0.6, 58)], shade(YELLOW, 0.8), 1)
    sheet.box(64, 34, 88, 62, RED, round_=4)
    sheet.box(72, 38, 85, 48, (204, 230, 240), round_=2)
    sheet.disc(87, 58, 2.6, YELLOW)
    for x in (24, 44, 76):
        sheet.disc(x, 71, 9.4, BLACK)
        sheet.disc(x, 71, 5, WOOD)
        sheet.disc(x, 71, 1.6, DARK_WOOD)


def drone(sheet: Sketch) -> None:
    """A quadcopter with a camera."""
    sheet.ground(50, 88, 30, 3)
    for x, y in ((14, 34), (86, 34), (24, 62), (76, 62)):
        sheet.line([(50, 50), (x, y)], (70, 72, 78), 4.4)
    for x, y, wide in ((14, 30, 13), (86, 30, 13), (24, 58, 15), (76, 58, 15)):
        sheet.box(x - 2.6, y, x + 2.6, y + 8, BLACK, round_=1)
        sheet.oval(x, y - 1, wide, 2.2, (196, 200, 206))
        sheet.disc(x, y - 1, 1.6, RED)
    sheet.oval(50, 50, 20, 11, (236, 238, 242))
    sheet.oval(50, 46, 13, 5, (90, 96, 106))
    sheet.box(41, 58, 59, 72, BLACK, round_=4)
    sheet.disc(50, 65, 5, (60, 70, 96))
    sheet.disc(48.6, 63.6, 1.6, (190, 210, 230))
    for x in (34, 66):
        sheet.line([(x, 58), (x + (x - 50) * 0.35, 82)], GREY, 2)
        sheet.line([(x + (x - 50) * 0.35 - 6, 82), (x + (x - 50) * 0.35 + 6, 82)], GREY, 2)


def model_plane(sheet: Sketch) -> None:
    """A model of a fighter plane."""
    olive = (106, 118, 82)
    sheet.ground(50, 90, 34, 3)
    sheet.poly([(46, 40), (4, 62), (4, 68), (46, 60)], olive)
    sheet.poly([(54, 40), (96, 62), (96, 68), (54, 60)], olive)
    sheet.poly([(47, 74), (30, 84), (30, 88), (50, 84), (70, 88), (70, 84), (53, 74)], olive)
    sheet.oval(50, 48, 6.4, 40, shade(olive, 1.08))
    sheet.oval(50, 40, 3.6, 9, (170, 206, 226))
    sheet.line([(50, 66), (50, 88)], shade(olive, 0.7), 1.6)
    for x in (20, 80):
        sheet.disc(x, 60, 5, BLUE)
        sheet.disc(x, 60, 3.4, WHITE)
        sheet.disc(x, 60, 1.7, RED)
    sheet.oval(50, 9, 4, 3, RED)
    sheet.oval(50, 8.4, 20, 1.2, (90, 90, 96))


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
    "robot-figure": robot_figure,
    "keyring": keyring,
    "miniature-knight": miniature_knight,
    "dice-set": dice_set,
    "teddy": teddy,
    "toy-truck": toy_truck,
    "drone": drone,
    "model-plane": model_plane,
    "dartboard": dartboard,
    "baby-socks": baby_socks,
    "trampoline": trampoline,
    "fishing-rod": fishing_rod,
    "pram": pram,
    "baby-bottle": baby_bottle,
}
