// Construction of values, and the two questions that every operation asks: what type, and is it true.
#include "template/jinja/value.h"

#include <algorithm>
#include <numeric>

namespace moebius::internal::jinja {
namespace {

constexpr size_t kFewItems = 8;  // up to this many, looking at every key is as fast as an order of keys

int depth_of(const Value& value) {
  if (const Sequence* sequence = value.sequence()) return sequence->depth;
  if (const Dict* dict = value.dict()) return dict->depth;
  if (const auto* generator = value.get<std::shared_ptr<Generator>>()) return (*generator)->source->depth;
  if (const Callable* callable = value.callable()) return depth_of(callable->self);
  return 0;
}

int one_deeper(int depth) {
  if (depth >= kMaxDepth) DepthCounter::refuse(kMaxDepth);
  return depth + 1;
}

SequencePtr new_sequence(Form form, std::vector<Value> items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, depth_of(item));
  return std::make_shared<const Sequence>(Sequence{form, std::move(items), one_deeper(depth)});
}

std::vector<uint32_t> text_order(const std::vector<Dict::Item>& items) {
  const auto is_text = [](const Dict::Item& item) { return item.first.text() != nullptr; };
  if (items.size() <= kFewItems || !std::all_of(items.begin(), items.end(), is_text)) return {};
  std::vector<uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return items[a].first.text()->text < items[b].first.text()->text; });
  return order;
}

Value text_from(const std::string& text, Origin origin) {
  Text marked{text, {}};
  if (origin == Origin::kUser && !text.empty()) marked.user.push_back({0, text.size()});
  return marked;
}

Value from_json(const Json& json, Origin origin, DepthCounter& depth) {
  const DepthCounter::Level level(depth);
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      if (number > static_cast<uint64_t>(INT64_MAX)) return BigInteger{std::to_string(number)};
      return static_cast<int64_t>(number);
    }
    case Json::value_t::binary:
      return BigInteger{std::string(big_integer_of(json).value_or("0"))};
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return text_from(json.get_ref<const std::string&>(), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item, origin, depth));
      return make_sequence(Form::kList, std::move(items));
    }
    case Json::value_t::object: {
      std::vector<Dict::Item> items;
      items.reserve(json.size());
      for (const auto& [key, item] : json.items()) {
        items.emplace_back(text_from(key, origin), from_json(item, origin, depth));
      }
      return make_dict(std::move(items));
    }
    default:
      return None{};
  }
}

struct TypeName {
  std::string_view operator()(Undefined) const { return "undefined"; }
  std::string_view operator()(None) const { return "NoneType"; }
  std::string_view operator()(bool) const { return "bool"; }
  std::string_view operator()(int64_t) const { return "int"; }
  std::string_view operator()(const BigIntegerPtr&) const { return "int"; }
  std::string_view operator()(double) const { return "float"; }
  std::string_view operator()(const TextPtr&) const { return "str"; }
  std::string_view operator()(const SequencePtr& sequence) const {
    switch (sequence->form) {
      case Form::kList:
        return "list";
      case Form::kTuple:
        return "tuple";
      case Form::kRange:
        return "range";
      case Form::kKeys:
        return "dict_keys";
      case Form::kValues:
        return "dict_values";
      case Form::kItems:
        break;
    }
    return "dict_items";
  }
  std::string_view operator()(const DictPtr&) const { return "dict"; }
  std::string_view operator()(const std::shared_ptr<Generator>&) const { return "generator"; }
  std::string_view operator()(const CallablePtr&) const { return "function"; }
  std::string_view operator()(Namespace*) const { return "namespace"; }
  std::string_view operator()(const std::weak_ptr<Loop>&) const { return "loop"; }
};

struct Truth {
  bool operator()(Undefined) const { return false; }
  bool operator()(None) const { return false; }
  bool operator()(bool value) const { return value; }
  bool operator()(int64_t value) const { return value != 0; }
  bool operator()(double value) const { return value != 0; }
  bool operator()(const TextPtr& text) const { return !text->text.empty(); }
  bool operator()(const SequencePtr& sequence) const { return !sequence->items.empty(); }
  bool operator()(const DictPtr& dict) const { return !dict->items.empty(); }
  template <typename Object>
  bool operator()(const Object&) const {
    return true;
  }
};

}  // namespace

Value make_sequence(Form form, std::vector<Value> items) { return new_sequence(form, std::move(items)); }

Value make_dict(std::vector<Dict::Item> items) {
  int depth = 0;
  for (const auto& [key, value] : items) depth = std::max({depth, depth_of(key), depth_of(value)});
  Dict dict{std::move(items), {}, one_deeper(depth)};
  dict.text_order = text_order(dict.items);
  return std::make_shared<const Dict>(std::move(dict));
}

Value make_generator(std::vector<Value> items) {
  return std::make_shared<Generator>(Generator{new_sequence(Form::kList, std::move(items)), 0});
}

Value make_text(std::string_view text) { return Text{std::string(text), {}}; }

const Value* find(const Dict& dict, std::string_view key) {
  if (dict.text_order.empty()) {
    for (const auto& [name, value] : dict.items) {
      if (name.text() != nullptr && name.text()->text == key) return &value;
    }
    return nullptr;
  }
  const auto less = [&](uint32_t at, std::string_view wanted) { return dict.items[at].first.text()->text < wanted; };
  const auto at = std::lower_bound(dict.text_order.begin(), dict.text_order.end(), key, less);
  if (at == dict.text_order.end() || dict.items[*at].first.text()->text != key) return nullptr;
  return &dict.items[*at].second;
}

Value from_json(const Json& json, Origin origin) {
  DepthCounter depth(kMaxDepth);
  return from_json(json, origin, depth);
}

std::string_view type_name(const Value& value) { return std::visit(TypeName{}, value.held()); }

bool is_true(const Value& value) { return std::visit(Truth{}, value.held()); }

}  // namespace moebius::internal::jinja
