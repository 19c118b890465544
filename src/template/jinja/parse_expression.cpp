// Parses expressions. The loosest binding comes first.
#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"
#include "template/jinja/parser.h"

namespace moebius::internal::jinja {

// then if test else otherwise
ExprPtr Parser::expression() {
  const DepthCounter::Level level(depth_);
  const size_t before = unsupported_.size();
  ExprPtr value = disjunction();
  while (at_name("if")) {
    const int line = take().line;
    ExprPtr test = disjunction();
    ExprPtr otherwise = skip_name("else") ? expression() : nullptr;
    value = make(line, Conditional{std::move(test), std::move(value), std::move(otherwise)});
    unsupported_.resize(before);
  }
  return value;
}

ExprPtr Parser::disjunction() {
  const int line = current().line;
  ExprPtr first = conjunction();
  if (!at_name("or")) return first;
  std::vector<ExprPtr> operands;
  operands.push_back(std::move(first));
  while (skip_name("or")) operands.push_back(conjunction());
  return make(line, Logic{Junction::kOr, std::move(operands)});
}

ExprPtr Parser::conjunction() {
  const int line = current().line;
  ExprPtr first = negation();
  if (!at_name("and")) return first;
  std::vector<ExprPtr> operands;
  operands.push_back(std::move(first));
  while (skip_name("and")) operands.push_back(negation());
  return make(line, Logic{Junction::kAnd, std::move(operands)});
}

ExprPtr Parser::negation() {
  if (!at_name("not")) return comparison();
  const DepthCounter::Level level(depth_);
  const int line = take().line;
  return make(line, Unary{Sign::kNot, negation()});
}

std::optional<Comparison> Parser::comparison_operator() {
  constexpr std::pair<std::string_view, Comparison> kSymbols[] = {
      {"==", Comparison::kEqual},     {"!=", Comparison::kNotEqual}, {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual}, {">", Comparison::kGreater},   {">=", Comparison::kGreaterEqual}};
  for (const auto& [symbol, comparison] : kSymbols) {
    if (skip_symbol(symbol)) return comparison;
  }
  if (skip_name("in")) return Comparison::kIn;
  if (!at_name("not") || ahead().kind != TokenKind::kName || ahead().text != "in") return std::nullopt;
  take();
  take();
  return Comparison::kNotIn;
}

ExprPtr Parser::comparison() {
  const int line = current().line;
  Compare compare{sum(), {}};
  while (const auto op = comparison_operator()) compare.rest.emplace_back(*op, sum());
  if (compare.rest.empty()) return std::move(compare.first);
  return make(line, std::move(compare));
}

ExprPtr Parser::sum() {
  ExprPtr left = concatenation();
  while (at_symbol("+") || at_symbol("-")) {
    const Token op = take();
    left =
        make(op.line, Binary{op.text == "+" ? Operator::kAdd : Operator::kSubtract, std::move(left), concatenation()});
  }
  return left;
}

ExprPtr Parser::concatenation() {
  const int line = current().line;
  ExprPtr first = product();
  if (!at_symbol("~")) return first;
  Concat concat;
  concat.parts.push_back(std::move(first));
  while (skip_symbol("~")) concat.parts.push_back(product());
  return make(line, std::move(concat));
}

ExprPtr Parser::product() {
  constexpr std::pair<std::string_view, Operator> kSymbols[] = {
      {"*", Operator::kMultiply}, {"/", Operator::kDivide}, {"//", Operator::kFloorDivide}, {"%", Operator::kModulo}};
  ExprPtr left = power();
  while (current().kind == TokenKind::kSymbol) {
    const auto* op = std::find_if(std::begin(kSymbols), std::end(kSymbols),
                                  [&](const auto& entry) { return entry.first == current().text; });
    if (op == std::end(kSymbols)) break;
    const int line = take().line;
    left = make(line, Binary{op->second, std::move(left), power()});
  }
  return left;
}

ExprPtr Parser::power() {
  ExprPtr left = unary(Filters::kAllowed);
  while (at_symbol("**")) {
    const int line = take().line;
    left = make(line, Binary{Operator::kPower, std::move(left), unary(Filters::kAllowed)});
  }
  return left;
}

ExprPtr Parser::unary(Filters filters) {
  const DepthCounter::Level level(depth_);
  ExprPtr value;
  if (at_symbol("-") || at_symbol("+")) {
    const Token sign = take();
    value = make(sign.line, Unary{sign.text == "-" ? Sign::kMinus : Sign::kPlus, unary(Filters::kNone)});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return filters == Filters::kAllowed ? filters_and_tests(std::move(value)) : std::move(value);
}

ExprPtr Parser::primary() {
  switch (current().kind) {
    case TokenKind::kName:
      return name_or_constant();
    case TokenKind::kString:
      return string_literal();
    case TokenKind::kInteger: {
      const Token number = take();
      return make(number.line, Literal{number.integer});
    }
    case TokenKind::kFloat: {
      const Token number = take();
      return make(number.line, Literal{number.real});
    }
    default:
      break;
  }
  if (at_symbol("(")) return parenthesized();
  if (at_symbol("[")) return list_display();
  if (at_symbol("{")) return dict_display();
  unexpected();
}

ExprPtr Parser::name_or_constant() {
  const Token token = take();
  if (token.text == "true" || token.text == "True") return make(token.line, Literal{true});
  if (token.text == "false" || token.text == "False") return make(token.line, Literal{false});
  if (token.text == "none" || token.text == "None") return make(token.line, Literal{None{}});
  const NameId id = intern(token.text);
  for (Macro* macro : macros_) {
    macro->takes_caller = macro->takes_caller || id == kCallerName;
    macro->takes_varargs = macro->takes_varargs || id == kVarargsName;
    macro->takes_kwargs = macro->takes_kwargs || id == kKwargsName;
  }
  return make(token.line, Name{id});
}

ExprPtr Parser::string_literal() {
  const int line = current().line;
  std::string text;
  while (current().kind == TokenKind::kString) text += take().text;
  return make(line, Literal{make_text(text)});
}

// One expression, or several with commas: a tuple without parentheses.
ExprPtr Parser::tuple_or_expression(Conditions conditions) {
  const int line = current().line;
  const auto element = [&] { return conditions == Conditions::kAllowed ? expression() : disjunction(); };
  ExprPtr first = element();
  if (!at_symbol(",")) return first;
  std::vector<ExprPtr> items;
  items.push_back(std::move(first));
  while (skip_symbol(",")) {
    const TokenKind kind = current().kind;
    if (kind == TokenKind::kPrintEnd || kind == TokenKind::kBlockEnd || at_symbol(")")) break;
    items.push_back(element());
  }
  return make(line, ListDisplay{Form::kTuple, std::move(items)});
}

ExprPtr Parser::parenthesized() {
  const int line = take().line;
  if (skip_symbol(")")) return make(line, ListDisplay{Form::kTuple, {}});
  ExprPtr value = tuple_or_expression(Conditions::kAllowed);
  expect_symbol(")");
  return value;
}

ExprPtr Parser::list_display() {
  const int line = take().line;
  std::vector<ExprPtr> items;
  while (!at_symbol("]")) {
    if (!items.empty()) expect_symbol(",");
    if (at_symbol("]")) break;
    items.push_back(expression());
  }
  expect_symbol("]");
  return make(line, ListDisplay{Form::kList, std::move(items)});
}

ExprPtr Parser::dict_display() {
  const int line = take().line;
  DictDisplay dict;
  while (!at_symbol("}")) {
    if (!dict.items.empty()) expect_symbol(",");
    if (at_symbol("}")) break;
    ExprPtr key = expression();
    expect_symbol(":");
    dict.items.emplace_back(std::move(key), expression());
  }
  expect_symbol("}");
  return make(line, std::move(dict));
}

ExprPtr Parser::postfix(ExprPtr value) {
  while (true) {
    if (at_symbol(".") || at_symbol("[")) {
      value = subscript(std::move(value));
    } else if (at_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExprPtr Parser::subscript(ExprPtr object) {
  const Token open = take();
  if (open.text == ".") {
    const Token name = take();
    if (name.kind == TokenKind::kName) {
      return make(open.line, Attribute{std::move(object), std::make_shared<const Text>(Text{name.text, {}})});
    }
    if (name.kind != TokenKind::kInteger) lexer_.fail(name.line, "expected a name or a number behind the dot");
    return make(open.line, Subscript{std::move(object), make(name.line, Literal{name.integer})});
  }
  if (at_symbol(":")) return slice_from(std::move(object), nullptr);
  const int line = current().line;
  ExprPtr index = expression();
  if (at_symbol(":")) return slice_from(std::move(object), std::move(index));
  if (at_symbol(",")) {
    std::vector<ExprPtr> items;
    items.push_back(std::move(index));
    while (skip_symbol(",")) items.push_back(expression());
    index = make(line, ListDisplay{Form::kTuple, std::move(items)});
  }
  expect_symbol("]");
  return make(open.line, Subscript{std::move(object), std::move(index)});
}

ExprPtr Parser::slice_from(ExprPtr object, ExprPtr begin) {
  const int line = current().line;
  expect_symbol(":");
  ExprPtr end = at_symbol(":") || at_symbol("]") ? nullptr : expression();
  ExprPtr step = skip_symbol(":") && !at_symbol("]") ? expression() : nullptr;
  expect_symbol("]");
  return make(line, Slice{std::move(object), std::move(begin), std::move(end), std::move(step)});
}

ExprPtr Parser::filters_and_tests(ExprPtr value) {
  while (true) {
    if (skip_symbol("|")) {
      value = filter(std::move(value));
    } else if (at_name("is")) {
      value = test(std::move(value));
    } else if (at_symbol("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExprPtr Parser::filter(ExprPtr input) {
  const int line = current().line;
  std::string name = expect_any_name();
  while (skip_symbol(".")) name += "." + expect_any_name();
  const Builtin* filter = find_filter(name);
  CallArguments given = at_symbol("(") ? arguments() : CallArguments{};
  if (filter == nullptr) return unsupported(line, "filter", name);
  return make(line, BuiltinCall{std::move(input), filter, std::move(given)});
}

// input is [not] name, name(arguments) or name argument
ExprPtr Parser::test(ExprPtr input) {
  const int line = take().line;
  const bool is_negated = skip_name("not");
  const std::string name = expect_any_name();
  const Builtin* builtin = find_test(name);
  CallArguments given;
  const bool has_argument = current().kind == TokenKind::kName || current().kind == TokenKind::kString ||
                            current().kind == TokenKind::kInteger || current().kind == TokenKind::kFloat ||
                            at_symbol("[") || at_symbol("{");
  if (at_symbol("(")) {
    given = arguments();
  } else if (has_argument && !at_name("else") && !at_name("or") && !at_name("and")) {
    if (at_name("is")) fail("tests cannot be chained with is");
    given.positional.push_back(postfix(primary()));
  }
  if (builtin == nullptr) return unsupported(line, "test", name);
  ExprPtr value = make(line, BuiltinCall{std::move(input), builtin, std::move(given)});
  return is_negated ? make(line, Unary{Sign::kNot, std::move(value)}) : std::move(value);
}

ExprPtr Parser::unsupported(int line, std::string_view kind, const std::string& name) {
  std::string what = fmt::format("the {} {} is not supported", kind, in_quotes(name));
  unsupported_.emplace_back(line, what);
  return make(line, Unsupported{std::move(what)});
}

ExprPtr Parser::call(ExprPtr callee) {
  const int line = current().line;
  return make(line, Call{std::move(callee), arguments()});
}

CallArguments Parser::arguments() {
  expect_symbol("(");
  CallArguments out;
  bool is_first = true;
  while (!at_symbol(")")) {
    if (!is_first) expect_symbol(",");
    if (at_symbol(")")) break;
    is_first = false;
    argument(out);
  }
  expect_symbol(")");
  return out;
}

void Parser::argument(CallArguments& out) {
  const bool has_spread = out.spread != nullptr || out.spread_named != nullptr;
  if (at_symbol("*")) {
    if (has_spread) fail("only one * in a call");
    take();
    out.spread = expression();
  } else if (at_symbol("**")) {
    if (out.spread_named != nullptr) fail("only one ** in a call");
    take();
    out.spread_named = expression();
  } else if (current().kind == TokenKind::kName && ahead().kind == TokenKind::kSymbol && ahead().text == "=") {
    if (out.spread_named != nullptr) fail("a named argument behind ** in a call");
    const std::string name = take().text;
    take();
    for (const auto& [other, value] : out.named) {
      if (other->text == name) fail(fmt::format("the argument {} is given twice", in_quotes(name)));
    }
    out.named.emplace_back(std::make_shared<const Text>(Text{name, {}}), expression());
  } else {
    if (has_spread || !out.named.empty()) fail("an argument by position behind one by name");
    out.positional.push_back(expression());
  }
}

}  // namespace moebius::internal::jinja
