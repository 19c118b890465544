// The depth of an expression, from its parts.
#include "template/jinja/ast.h"

#include <algorithm>

namespace moebius::internal::jinja {
namespace {

// Finds the depth of the deepest expression that it is shown.
class Deepest {
 public:
  void see(const ExprPtr& expr) {
    if (expr != nullptr) depth_ = std::max(depth_, expr->depth);
  }
  void see(const std::vector<ExprPtr>& all) {
    for (const ExprPtr& expr : all) see(expr);
  }
  template <typename Key>
  void see(const std::vector<std::pair<Key, ExprPtr>>& all) {
    for (const auto& [key, expr] : all) see(expr);
  }
  void see(const CallArguments& arguments) {
    see(arguments.positional);
    see(arguments.named);
    see(arguments.spread);
    see(arguments.spread_named);
  }

  void operator()(const Literal&) {}
  void operator()(const Name&) {}
  void operator()(const BlockText&) {}
  void operator()(const Unsupported&) {}
  void operator()(const Attribute& node) { see(node.object); }
  void operator()(const Subscript& node) { see_all(node.object, node.index); }
  void operator()(const Slice& node) { see_all(node.object, node.begin, node.end, node.step); }
  void operator()(const Call& node) { see_all(node.callee, node.arguments); }
  void operator()(const BuiltinCall& node) { see_all(node.input, node.arguments); }
  void operator()(const Unary& node) { see(node.operand); }
  void operator()(const Binary& node) { see_all(node.left, node.right); }
  void operator()(const Logic& node) { see(node.operands); }
  void operator()(const Compare& node) { see_all(node.first, node.rest); }
  void operator()(const Concat& node) { see(node.parts); }
  void operator()(const Conditional& node) { see_all(node.test, node.then, node.otherwise); }
  void operator()(const ListDisplay& node) { see(node.items); }
  void operator()(const DictDisplay& node) {
    for (const auto& [key, value] : node.items) see_all(key, value);
  }

  [[nodiscard]] int depth() const { return depth_; }

 private:
  template <typename... Parts>
  void see_all(const Parts&... parts) {
    (see(parts), ...);
  }

  int depth_ = 0;
};

}  // namespace

ExprPtr make_expr(int line, Expr::Node node) {
  Deepest deepest;
  std::visit(deepest, node);
  if (deepest.depth() >= kMaxDepth) DepthCounter::refuse(kMaxDepth);
  return std::make_unique<const Expr>(Expr{std::move(node), line, deepest.depth() + 1});
}

}  // namespace moebius::internal::jinja
