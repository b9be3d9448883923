"""Books, magazines, cards and what lies on a desk."""

from __future__ import annotations

from examples.samples.sketch import (
    BLACK,
    BLUE,
    CREAM,
    DARK_WOOD,
    GOLD,
    GREEN,
    GREY,
    NAVY,
    ORANGE,
    PURPLE,
    RED,
    SILVER,
    SKIN,
    TEAL,
    WHITE,
    YELLOW,
    Colour,
    Sketch,
    shade,
)


def _book(
    sheet: Sketch, left: float, top: float, right: float, bottom: float, cover: Colour, *, thick: float = 4
) -> None:
    """A closed book from the front, its pages to the right and below."""
    sheet.ground((left + right) / 2 + 2, bottom + thick, (right - left) / 2, 3)
    sheet.poly(
        [
            (left, top),
            (right, top),
            (right + thick, top + thick),
            (right + thick, bottom + thick),
            (left + thick, bottom + thick),
            (left, bottom),
        ],
        (226, 218, 196),
    )
    sheet.box(left, top, right, bottom, cover)
    sheet.box(left, top, left + 3.5, bottom, shade(cover, 0.78))


def paperback_novel(sheet: Sketch) -> None:
    """A worn paperback: a mill by a river."""
    _book(sheet, 24, 10, 72, 84, (222, 206, 166), thick=3)
    sheet.box(30, 38, 69, 78, (150, 190, 214))
    sheet.poly([(30, 62), (46, 54), (69, 64), (69, 78), (30, 78)], GREEN)
    sheet.poly([(48, 78), (54, 64), (58, 64), (62, 78)], (110, 160, 200))
    sheet.poly([(38, 66), (39.5, 50), (44.5, 50), (46, 66)], CREAM)
    sheet.poly([(38, 50), (42, 45), (46, 50)], RED)
    for dx, dy in ((9, 7), (-9, 7), (9, -7), (-9, -7)):
        sheet.line([(42, 51), (42 + dx, 51 + dy)], DARK_WOOD, 1)
    sheet.words(50, 19, "LE MOULIN", (120, 40, 30), 6)
    sheet.words(50, 27, "DES TROIS RIVIERES", (120, 40, 30), 3.6)
    sheet.line([(34, 33), (66, 33)], (120, 40, 30), 0.6)
    sheet.line([(66, 12), (70, 20)], shade((222, 206, 166), 0.85), 0.7)


def old_atlas(sheet: Sketch) -> None:
    """An old hardcover with a globe on it."""
    _book(sheet, 18, 12, 76, 86, (104, 44, 36), thick=5)
    for corner in ((18, 12), (76, 12), (18, 86), (76, 86)):
        x, y = corner
        dx, dy = (9 if x < 50 else -9), (9 if y < 50 else -9)
        sheet.poly([(x, y), (x + dx, y), (x, y + dy)], (70, 30, 26))
    sheet.ring(48, 52, 17, 17, GOLD, 1)
    sheet.ring(48, 52, 8, 17, GOLD, 0.8)
    sheet.line([(31, 52), (65, 52)], GOLD, 0.8)
    sheet.arc(48, 40, 13, 3, 0, 180, GOLD, 0.8)
    sheet.arc(48, 64, 13, 3, 180, 360, GOLD, 0.8)
    sheet.words(48, 24, "ATLAS", GOLD, 9)
    sheet.words(48, 78, "1931", GOLD, 5)


def new_hardback(sheet: Sketch) -> None:
    """A new essay with a plain cover."""
    _book(sheet, 24, 10, 72, 84, WHITE, thick=4)
    sheet.box(24, 10, 72, 84, (246, 240, 228))
    sheet.box(30, 46, 66, 78, (40, 96, 110))
    for column in range(4):
        sheet.box(33 + column * 8.2, 52 + column % 2 * 4, 38 + column * 8.2, 78, (236, 214, 160))
    sheet.line([(24, 14), (72, 14)], RED, 1)
    sheet.words(48, 23, "L'ARCHITECTURE", BLACK, 5)
    sheet.words(48, 30, "DU SILENCE", BLACK, 5)
    sheet.words(48, 38, "essai", RED, 4)


def cookbook(sheet: Sketch) -> None:
    """A baking book with a loaf on it."""
    _book(sheet, 20, 12, 76, 84, (60, 96, 90), thick=5)
    sheet.words(49, 23, "THE SLOW BAKER", CREAM, 5.6)
    sheet.words(49, 31, "sixty loaves", YELLOW, 4.4)
    sheet.oval(49, 62, 21, 13, (176, 112, 56))
    sheet.oval(49, 58, 20, 11, (206, 146, 84))
    for x in (38, 46, 54):
        sheet.arc(x + 3, 57, 3, 7, 200, 330, (240, 206, 150), 1.6)


def magazine_garden(sheet: Sketch) -> None:
    """A gardening magazine with roses."""
    sheet.ground(50, 90, 34, 3)
    sheet.box(20, 8, 80, 90, (226, 236, 214))
    sheet.box(20, 8, 80, 24, GREEN)
    sheet.words(50, 15.5, "JARDINS & SAISONS", WHITE, 6)
    sheet.words(70, 27, "n 214", BLACK, 3)
    sheet.poly([(20, 90), (20, 66), (50, 58), (80, 68), (80, 90)], (120, 170, 96))
    for x, y, size, colour in (
        (40, 56, 11, RED),
        (60, 48, 9, (226, 120, 140)),
        (58, 70, 10, YELLOW),
        (34, 74, 8, (226, 120, 140)),
    ):
        sheet.line([(x, y), (x + 1, 90)], (60, 110, 60), 1)
        sheet.disc(x, y, size, colour)
        for inner in (0.72, 0.46, 0.22):
            sheet.arc(x, y, size * inner, size * inner, 20, 290, shade(colour, 0.75), 0.8)
    for row in range(3):
        sheet.box(24, 32 + row * 5, 40 - row * 3, 34 + row * 5, BLACK, flat=True)


def newspaper(sheet: Sketch) -> None:
    """An old illustrated newspaper."""
    paper = (232, 220, 190)
    sheet.ground(50, 92, 34, 3)
    sheet.box(18, 6, 82, 92, paper)
    sheet.words(50, 13, "LA GAZETTE DU DIMANCHE", BLACK, 4.7)
    sheet.line([(22, 18), (78, 18)], BLACK, 0.5)
    sheet.words(50, 20.6, "12 AOUT 1923", BLACK, 2.2)
    sheet.line([(22, 23), (78, 23)], BLACK, 0.5)
    sheet.box(41, 27, 78, 58, (196, 186, 160))
    sheet.poly([(41, 58), (50, 40), (58, 50), (66, 36), (78, 58)], (120, 114, 100))
    sheet.disc(70, 33, 3, (236, 228, 206))
    for left, top, lines in ((22, 28, 24), (41.5, 62, 11), (61, 62, 11)):
        for row in range(lines):
            sheet.box(
                left,
                top + row * 2.5,
                left + (16 if row % 6 != 5 else 9),
                top + 1 + row * 2.5,
                (110, 104, 92),
                flat=True,
            )
    sheet.line([(18, 49), (82, 49)], shade(paper, 0.88), 0.6)


def book_lot(sheet: Sketch) -> None:
    """Twelve paperbacks side by side."""
    sheet.ground(50, 82, 44, 4)
    colours = [RED, BLACK, YELLOW, NAVY, TEAL, CREAM, ORANGE, PURPLE, GREEN, GREY, (150, 60, 70), BLUE]
    left = 7.0
    for index, colour in enumerate(colours):
        wide = 6 + index * 5 % 3
        top = 22 + index * 7 % 9
        sheet.box(left, top, left + wide, 82, colour)
        sheet.box(
            left + 1.4,
            top + 7,
            left + wide - 1.4,
            top + 24,
            shade(colour, 1.5 if sum(colour) < 330 else 0.55),
            flat=True,
        )
        sheet.box(left + 1.4, 74, left + wide - 1.4, 76, shade(colour, 1.6 if sum(colour) < 330 else 0.6), flat=True)
        left += wide + 0.3


def manga_lot(sheet: Sketch) -> None:
    """Eight volumes, the first in front."""
    sheet.ground(50, 88, 42, 3)
    for number in range(7):
        left = 40 + number * 7.4
        sheet.box(left, 20, left + 7, 86, (238, 238, 240))
        sheet.box(left, 20, left + 7, 34, [RED, BLUE, GREEN, ORANGE, PURPLE, TEAL, NAVY][number])
        sheet.words(left + 3.5, 27, str(number + 2), WHITE, 5)
        sheet.words(left + 3.5, 58, "LES LAMES DU VENT", BLACK, 2.8, turn=90)
    sheet.box(8, 16, 46, 88, (252, 246, 240))
    sheet.box(8, 16, 46, 88, (236, 120, 92))
    sheet.disc(27, 46, 10, SKIN)
    sheet.poly(
        [(15, 46), (17, 32), (22, 36), (26, 28), (30, 35), (37, 30), (39, 46), (34, 40), (27, 42), (20, 40)], NAVY
    )
    for x in (22.5, 31.5):
        sheet.oval(x, 47, 1.6, 2.4, BLACK)
    sheet.poly([(14, 88), (18, 62), (27, 56), (36, 62), (40, 88)], NAVY)
    sheet.line([(12, 84), (43, 54)], SILVER, 1.6)
    sheet.words(27, 22, "LES LAMES", WHITE, 5)
    sheet.words(14, 34, "1", WHITE, 6)


def card_dragon(sheet: Sketch) -> None:
    """A trading card with a dragon."""
    sheet.ground(50, 92, 28, 3)
    sheet.box(24, 6, 76, 92, YELLOW, round_=3)
    sheet.box(27, 9, 73, 89, (238, 110, 66), round_=1.5)
    sheet.words(46, 14, "Dragon des Braises", WHITE, 3.4)
    sheet.box(30, 19, 70, 54, (70, 60, 90))
    sheet.poly([(50, 22), (68, 30), (60, 34), (66, 42), (54, 38)], (214, 90, 60))
    sheet.poly([(50, 22), (32, 30), (40, 34), (34, 42), (46, 38)], (214, 90, 60))
    sheet.oval(50, 42, 7, 10, RED)
    sheet.disc(50, 29, 5.5, RED)
    sheet.poly([(46, 25), (45, 20), (49, 24)], GOLD)
    sheet.poly([(54, 25), (55, 20), (51, 24)], GOLD)
    for x in (48, 52):
        sheet.disc(x, 28.5, 0.9, YELLOW)
    for row in range(4):
        sheet.box(32, 61 + row * 5.5, 68 - row * 5, 63.4 + row * 5.5, (250, 226, 190), flat=True)
    sheet.star(68, 84, 3, YELLOW)
    sheet.words(36, 85, "112/198", WHITE, 3)


def booster_pack(sheet: Sketch) -> None:
    """A sealed foil pack of cards."""
    sheet.ground(50, 90, 26, 3)
    sheet.box(27, 10, 73, 90, BLUE)
    for top in (10, 84):
        sheet.box(27, top, 73, top + 6, SILVER)
        for x in range(28, 73, 2):
            sheet.line([(x, top + 0.6), (x, top + 5.4)], GREY, 0.3)
    sheet.star(50, 46, 19, YELLOW, points=8, inner=0.55)
    sheet.star(50, 46, 12, RED, points=8, inner=0.6)
    sheet.words(50, 21, "BOOSTER", WHITE, 6)
    sheet.words(50, 70, "10 KARTEN", WHITE, 5)
    sheet.poly([(30, 16), (36, 16), (30, 60)], (120, 164, 220))


def notebook(sheet: Sketch) -> None:
    """A dark blue notebook with an elastic band."""
    _book(sheet, 24, 10, 74, 86, NAVY, thick=3)
    sheet.box(66, 10, 68.4, 86, BLACK)
    sheet.box(32, 26, 58, 40, CREAM, round_=1)
    for row in range(3):
        sheet.line([(34, 30 + row * 3.4), (56, 30 + row * 3.4)], GREY, 0.4)
    sheet.poly([(44, 86), (47, 86), (47, 95), (45.5, 93), (44, 95)], RED)


def ballpoint_pens(sheet: Sketch) -> None:
    """Ten pens in a fan."""
    colours = [BLUE, BLUE, BLUE, BLUE, BLACK, BLACK, BLACK, RED, RED, RED]
    for index, colour in enumerate(colours):
        left = 7 + index * 8.8
        sheet.ground(left + 2.8, 91, 3, 1)
        sheet.box(left, 24, left + 5.4, 78, (236, 240, 246), round_=1.6)
        sheet.box(left, 50, left + 5.4, 78, colour, round_=1)
        sheet.poly([(left + 0.4, 78), (left + 5, 78), (left + 3.2, 88), (left + 2.2, 88)], SILVER)
        sheet.line([(left + 2.7, 88), (left + 2.7, 91)], GREY, 0.7)
        sheet.box(left + 1.5, 17, left + 3.9, 24, colour, round_=0.8)
        sheet.box(left + 4.2, 25, left + 5.8, 44, colour, round_=0.6)


def playing_cards(sheet: Sketch) -> None:
    """A box of cards, four of them in front of it."""
    sheet.ground(52, 88, 40, 4)
    sheet.box(46, 14, 90, 84, RED, round_=1)
    sheet.words(68, 26, "KARTEN", WHITE, 7)
    sheet.words(68, 34, "SPIEL", YELLOW, 7)
    sheet.words(68, 77, "110", WHITE, 6)
    for index, (colour, digit) in enumerate(((BLUE, "7"), (GREEN, "3"), (YELLOW, "5"), (RED, "9"))):

        def card(other: Sketch, colour: Colour = colour, digit: str = digit) -> None:
            other.box(22, 42, 46, 84, WHITE, round_=2)
            other.box(23.5, 43.5, 44.5, 82.5, colour, round_=2)
            other.oval(34, 63, 8, 13, WHITE)
            other.words(34, 63, digit, colour, 13)

        sheet.turned(26 - index * 17, card, x=38, y=100)


def board_game(sheet: Sketch) -> None:
    """A box of a board game: five turtles on a track."""
    sheet.ground(50, 84, 44, 4)
    sheet.poly([(8, 20), (88, 20), (94, 26), (94, 84), (14, 84), (8, 78)], (40, 100, 70))
    sheet.box(8, 18, 88, 78, (96, 176, 96), round_=1)
    sheet.words(48, 27, "LA COURSE", WHITE, 9)
    sheet.words(48, 37, "DES TORTUES", YELLOW, 8)
    sheet.arc(48, 84, 36, 34, 190, 350, (230, 206, 150), 9)
    for index, colour in enumerate((RED, BLUE, YELLOW, PURPLE, ORANGE)):
        x, y = 17 + index * 15, (70, 57, 53, 57, 70)[index]
        sheet.oval(x + 6, y + 1, 2.6, 2.2, (150, 190, 110))
        for leg in (-3, 3):
            sheet.oval(x + leg, y + 4, 1.6, 1.8, (150, 190, 110))
        sheet.oval(x, y, 6, 4.6, colour)
        sheet.ring(x, y, 3.4, 2.6, shade(colour, 0.7), 0.6)
    sheet.words(84, 23, "6+", WHITE, 5)


PICTURES = {
    "paperback-novel": paperback_novel,
    "old-atlas": old_atlas,
    "new-hardback": new_hardback,
    "cookbook": cookbook,
    "magazine-garden": magazine_garden,
    "newspaper": newspaper,
    "book-lot": book_lot,
    "manga-lot": manga_lot,
    "card-dragon": card_dragon,
    "booster-pack": booster_pack,
    "notebook": notebook,
    "ballpoint-pens": ballpoint_pens,
    "playing-cards": playing_cards,
    "board-game": board_game,
}
