// Listings to try: with and without photo, in three languages, sure and unsure. `photo` is a file beside this one.

export const EXAMPLE_LISTINGS = [
  {
    name: "try.example_pool",
    designation: "Piscine tubulaire ronde 3,66 m avec échelle",
    description:
      "<p>Piscine hors sol <b>ronde</b>, diam&egrave;tre 366 cm, hauteur 91 cm.</p>\n<ul><li>Filtration à cartouche incluse</li><li>Échelle de sécurité</li></ul>",
    photo: "example-pool.webp",
  },
  { name: "try.example_chair", designation: "", description: "", photo: "example-chair.webp" },
  {
    name: "try.example_baby",
    designation: "Schlafsack für Babys 90 cm, Baumwolle",
    description: "2.5 TOG, mit Reißverschluss, 6 bis 18 Monate",
    photo: null,
  },
  {
    name: "try.example_console",
    designation: "Nintendo Switch OLED 64 GB console",
    description: "White, two Joy-Con, dock, HDMI cable, used for two months.",
    photo: null,
  },
  {
    name: "try.example_odd",
    designation: "Le petit prince Antoine de Saint-Exupéry",
    description: "",
    photo: "example-pool.webp",
  },
  { name: "try.example_tyre", designation: "Pneu neige 205/55 R16 91H", description: "", photo: null },
];
