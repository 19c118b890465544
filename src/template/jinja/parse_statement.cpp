// Parses tags and their bodies.
#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"
#include "template/jinja/parser.h"

namespace moebius::internal::jinja {

Body Parser::body_until(const Ends& ends) {
  const DepthCounter::Level level(depth_);
  Body out;
  while (current().kind != TokenKind::kEnd) {
    if (current().kind == TokenKind::kText) {
      const Token text = take();
      out.push_back({Data{std::make_shared<const Text>(Text{text.text, {}})}, text.line});
    } else if (current().kind == TokenKind::kPrintBegin) {
      const int line = take().line;
      out.push_back({Print{tuple_or_expression(Conditions::kAllowed)}, line});
      expect(TokenKind::kPrintEnd);
    } else {
      expect(TokenKind::kBlockBegin);
      if (std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return at_name(end); })) return out;
      statement(out);
      expect(TokenKind::kBlockEnd);
    }
  }
  if (!ends.empty()) fail(fmt::format("the template ends where {} is missing", in_quotes(ends.back())));
  return out;
}

Body Parser::block_body(const Ends& ends) {
  skip_symbol(":");
  expect(TokenKind::kBlockEnd);
  return body_until(ends);
}

Body Parser::whole_block(std::string_view end) {
  Body body = block_body({end});
  take();
  return body;
}

// The body is a function of its own, so a loop around it cannot be left from inside.
Body Parser::isolated_block(std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  Body body = whole_block(end);
  loops_ = loops;
  return body;
}

void Parser::statement(Body& out) {
  if (current().kind != TokenKind::kName) fail("expected the name of a tag");
  const int line = current().line;
  const auto add = [&](auto node) { out.push_back({std::move(node), line}); };
  if (at_name("if")) return add(if_statement());
  if (at_name("for")) return add(for_statement());
  if (at_name("with")) return add(with_statement());
  if (at_name("macro")) return add(macro_statement());
  if (at_name("call")) return add(call_statement());
  if (skip_name("set")) return set_statement(out, line);
  if (skip_name("print")) return print_statement(out);
  if (skip_name("break")) return add(loop_control(LoopControl::kBreak));
  if (skip_name("continue")) return add(loop_control(LoopControl::kContinue));
  if (skip_name("generation")) return add(Generation{isolated_block("endgeneration")});
  if (skip_name("filter")) {
    ExprPtr value = filter(make(line, BlockText{}));
    while (skip_symbol("|")) value = filter(std::move(value));
    Body body = whole_block("endfilter");
    return add(FilterBlock{std::move(value), std::move(body)});
  }
  fail(fmt::format("the tag {} is not supported here", in_quotes(current().text)));
}

If Parser::if_statement() {
  const size_t before = unsupported_.size();
  If out;
  do {
    take();  // if, elif
    ExprPtr test = tuple_or_expression(Conditions::kNone);
    out.branches.emplace_back(std::move(test), block_body({"elif", "else", "endif"}));
  } while (at_name("elif"));
  if (take().text == "else") out.otherwise = whole_block("endif");
  unsupported_.resize(before);
  return out;
}

For Parser::for_statement() {
  take();
  For out;
  out.target = target(Namespaces::kRefused);
  expect_name("in");
  out.source = tuple_or_expression(Conditions::kNone);
  if (skip_name("if")) out.condition = expression();
  if (at_name("recursive")) fail("recursive loops are not supported");
  ++loops_;
  out.body = block_body({"else", "endfor"});
  --loops_;
  if (take().text == "else") out.otherwise = whole_block("endfor");
  return out;
}

void Parser::set_statement(Body& out, int line) {
  Target to = target(Namespaces::kAllowed);
  if (skip_symbol("=")) {
    out.push_back({Set{std::move(to), tuple_or_expression(Conditions::kAllowed)}, line});
    return;
  }
  ExprPtr value = make(line, BlockText{});
  while (skip_symbol("|")) value = filter(std::move(value));
  Body body = whole_block("endset");
  out.push_back({SetBlock{std::move(to), std::move(value), std::move(body)}, line});
}

With Parser::with_statement() {
  take();
  With out;
  while (current().kind != TokenKind::kBlockEnd && !at_symbol(":")) {
    if (!out.values.empty()) expect_symbol(",");
    Target to = target(Namespaces::kRefused);
    expect_symbol("=");
    out.values.emplace_back(std::move(to), expression());
  }
  out.body = whole_block("endwith");
  return out;
}

std::unique_ptr<const Macro> Parser::macro_statement() {
  take();
  auto macro = std::make_unique<Macro>();
  macro->name = intern(expect_any_name());
  macros_.push_back(macro.get());
  parameters(*macro);
  macro->body = isolated_block("endmacro");
  macros_.pop_back();
  return macro;
}

CallBlock Parser::call_statement() {
  const int line = take().line;
  CallBlock out;
  macros_.push_back(&out.caller);
  if (at_symbol("(")) parameters(out.caller);
  macros_.pop_back();
  out.call = unary(Filters::kAllowed);
  if (!std::holds_alternative<Call>(out.call->node)) lexer_.fail(line, "a call block needs a call");
  macros_.push_back(&out.caller);
  out.caller.body = isolated_block("endcall");
  macros_.pop_back();
  return out;
}

void Parser::print_statement(Body& out) {
  bool is_first = true;
  while (current().kind != TokenKind::kBlockEnd) {
    if (!is_first) expect_symbol(",");
    is_first = false;
    const int line = current().line;
    out.push_back({Print{expression()}, line});
  }
}

LoopControl Parser::loop_control(LoopControl control) {
  if (loops_ == 0) fail("break and continue need a loop around them");
  return control;
}

void Parser::parameters(Macro& macro) {
  expect_symbol("(");
  while (!at_symbol(")")) {
    if (!macro.parameters.empty()) expect_symbol(",");
    const NameId name = intern(expect_any_name());
    for (const Macro::Parameter& other : macro.parameters) {
      if (other.name == name) fail(fmt::format("the parameter {} is there twice", in_quotes(names_[name])));
    }
    ExprPtr otherwise = skip_symbol("=") ? expression() : nullptr;
    const bool follows_default = !macro.parameters.empty() && macro.parameters.back().otherwise != nullptr;
    if (otherwise == nullptr && follows_default) fail("a parameter without a default behind one that has it");
    macro.parameters.push_back({name, std::move(otherwise)});
  }
  expect_symbol(")");
}

// name, name.attribute, or several with commas; parentheses are allowed.
Target Parser::target(Namespaces namespaces) {
  Target first = single_target(namespaces);
  if (!at_symbol(",")) return first;
  std::vector<Target> several;
  several.push_back(std::move(first));
  while (skip_symbol(",")) {
    if (current().kind == TokenKind::kBlockEnd || at_symbol(")") || at_name("in")) break;
    several.push_back(single_target(namespaces));
  }
  return {std::move(several)};
}

Target Parser::single_target(Namespaces namespaces) {
  const DepthCounter::Level level(depth_);
  if (skip_symbol("(")) {
    Target inner = target(Namespaces::kAllowed);
    expect_symbol(")");
    return inner;
  }
  constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
  const std::string name = expect_any_name();
  if (std::find(std::begin(kConstants), std::end(kConstants), name) != std::end(kConstants)) {
    fail(fmt::format("{} cannot be assigned to", in_quotes(name)));
  }
  const NameId id = intern(name);
  if (namespaces == Namespaces::kAllowed && skip_symbol(".")) return {NamespaceTarget{id, expect_any_name()}};
  if (id == kLoopName && (loops_ > 0 || namespaces == Namespaces::kRefused))
    fail("loop cannot be assigned to inside of a loop");
  return {id};
}

}  // namespace moebius::internal::jinja
