"""Addition and subtraction of numbers up to three digits: prompts, answers, and the scratch work of thinking."""

import split

PLUS = """
What is {a}+{b}?|What is {a} + {b}?|what is {a}+{b}|{a} + {b}|{a}+{b}|{a}+{b}=|{a} + {b} =|{a}+{b}=?|{a} + {b}?
what's {a} plus {b}|What's {a} plus {b}?|What is {a} plus {b}?|{a} plus {b}|Calculate {a} + {b}.|calculate {a}+{b}
Compute {a} + {b}.|Add {a} and {b}.|add {a} and {b}|How much is {a} + {b}?|How much is {a}+{b}?|Can you add {a} and {b}?
Please calculate {a}+{b}.|What is the sum of {a} and {b}?|sum of {a} and {b}|Solve {a} + {b}.|Tell me {a} plus {b}.
{a} +{b}|{a}+ {b}|Hi, what is {a}+{b}?|what is {a} + {b}?|what is {a} + {b}
What's {a}+{b}?|What's {a} + {b}?|what does {a} + {b} make|Work out {a} + {b}.
""".strip().replace("\n", "|").split("|")

MINUS = """
What is {a}-{b}?|What is {a} - {b}?|what is {a}-{b}|{a} - {b}|{a}-{b}|{a}-{b}=|{a} - {b} =|{a}-{b}=?|{a} - {b}?
what's {a} minus {b}|What's {a} minus {b}?|What is {a} minus {b}?|{a} minus {b}|Calculate {a} - {b}.|calculate {a}-{b}
Compute {a} - {b}.|Subtract {b} from {a}.|subtract {b} from {a}|How much is {a} - {b}?|How much is {a}-{b}?
Can you subtract {b} from {a}?|Please calculate {a}-{b}.|What is {a} take away {b}?|Solve {a} - {b}.
{a} -{b}|{a}- {b}|Hi, what is {a}-{b}?|what is {a} - {b}?|what is {a} - {b}
Tell me {a} minus {b}.|What's {a}-{b}?|What's {a} - {b}?|Work out {a} - {b}.
""".strip().replace("\n", "|").split("|")


def key_of(problem):
    """Returns the key of a problem for the split. Both orders of a sum have the same key."""
    a, op, b = problem
    return f"{min(a, b)}+{max(a, b)}" if op == "+" else f"{a}-{b}"


def sample_digits(rng, digits):
    """Draws a problem. `digits` is the largest number of digits of an operand. With three digits, 60 % of the problems
    have two operands of three digits, and the others have one."""
    if digits == 3 and rng.random() < 0.6:
        a, b = rng.randrange(100, 1000), rng.randrange(100, 1000)
    elif digits == 3:
        a, b = rng.randrange(100, 1000), rng.randrange(0, 100)
        a, b = (a, b) if rng.random() < 0.5 else (b, a)
    elif rng.random() < 0.12:
        a, b = rng.randrange(0, 20), rng.randrange(0, 20)
    else:
        a, b = rng.randrange(0, 100), rng.randrange(0, 100)
    return a, rng.choice("+-"), b


def problem(rng, held_out, digits):
    return split.draw(rng, held_out, lambda r: sample_digits(r, digits), key_of)


def result(a, op, b):
    return a + b if op == "+" else a - b


def prompt(rng, a, op, b):
    return rng.choice(PLUS if op == "+" else MINUS).format(a=a, b=b)


def answer(a, op, b):
    return f"{a} {op} {b} = {result(a, op, b)}."


def columns(a, b):
    """Returns pairs of digits from the right. Zeros fill up the shorter number."""
    width = max(len(str(a)), len(str(b)))
    return list(zip(reversed(f"{a:0{width}}"), reversed(f"{b:0{width}}")))


def scratch_sum(a, b):
    carry, steps = 0, []
    for x, y in columns(a, b):
        total = int(x) + int(y) + carry
        steps.append(f"{x} + {y}" + (" + 1" if carry else "") + f" = {total}")
        carry = total // 10
        if carry:
            steps[-1] += f", write {total % 10}, carry 1"
    return ". ".join(steps) + "."


def scratch_difference(a, b):
    borrow, steps = 0, []
    for x, y in columns(a, b):
        top = int(x) - borrow
        step = f"{x} - {y}" + (" - 1" if borrow else "")
        borrow = int(top < int(y))
        steps.append(step + (f": borrow 10, {top + 10 - int(y)}" if borrow else f" = {top - int(y)}"))
    return ". ".join(steps) + "."


def thinking(a, op, b):
    if op == "+":
        return f"{scratch_sum(a, b)} So it is {a + b}."
    if a >= b:
        return f"{scratch_difference(a, b)} So it is {a - b}."
    return f"{a} is less than {b}, so I take {b} - {a}. {scratch_difference(b, a)} So it is {a - b}."
