"""The closed vocabulary of the training data: words, names, places. Every question to the model uses these words."""

WORDS = """
acorn anchor apple apron arrow basket beach bell berry bird boat book bottle bowl box branch bread bridge broom brush
bucket butter button cabin cake camel candle carrot castle cat chair cheese cherry clock cloud coat coin comb cookie
corn crown cup curtain daisy desk dog door dragon drum duck eagle egg elbow engine falcon farm feather fence fern field
fish flag flute forest fork fox frog garden gate ghost giraffe glass glove goat grape guitar hammer hat hill honey horse
house island jacket jar jewel kettle key kite kitten ladder lake lamp leaf lemon letter lion lizard map market melon
mirror monkey moon mountain mouse needle nest night ocean olive onion orange otter owl panda paper parrot peach pear
pencil penguin piano pillow pilot plate plum pocket pond potato queen rabbit rain ribbon ring river robot rocket rope
rose sail salt sand scarf school ship shoe silver snail snow soap spider spoon star stone sugar sun table tiger tomato
towel tower train tree turtle umbrella valley violin wagon wall water whale wheel willow window wolf wool yarn zebra
""".split()

NAMES = """
Ada Alma Anna Ben Bruno Carl Clara Dan Ella Emma Erik Finn Greta Hana Hugo Ida Ivan Jack Jonas Kira Leo Lena Lily Luca
Maria Max Mia Milo Nina Noah Nora Olga Oscar Otto Paul Pia Rosa Ruby Sam Sara Simon Sofia Theo Tom Uma Vera Wanda Zoe
""".split()

CITIES = """
Athens Berlin Bern Boston Cairo Dublin Hanoi Helsinki Kyoto Lima Lisbon London Madrid Milan Nairobi Oslo Paris Porto
Prague Quito Rome Seoul Sofia Sydney Tokyo Toronto Vienna Warsaw Zagreb Zurich
""".split()

COLORS = "red blue green yellow white black purple brown orange silver".split()
OBJECTS = "kite ball drum lamp scarf hat bike boat clock book cup coat guitar robot umbrella basket".split()
FOODS = "apples pears plums bread cheese honey soup cake carrots grapes rice lemons cookies noodles".split()
JOBS = "teacher baker farmer pilot painter doctor driver singer writer gardener cook sailor".split()
PETS = "cat dog rabbit parrot turtle goat pony mouse duck hamster".split()
ROOMS = "kitchen bedroom hall garage office bathroom attic cellar".split()
SONGS = "Blue River|Morning Light|Paper Moon|Silent Snow|Golden Road|Little Star|Summer Rain|Old Harbor".split("|")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
