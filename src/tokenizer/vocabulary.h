// The vocabulary of the model proper: maps the bytes of a token to its id and back. Only tokens that are spelled in the
// byte alphabet can be found by their bytes. Other tokens (control tokens listed with the rest) have a text and an id,
// but no text becomes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal {

class Vocabulary {
 public:
  struct Token {
    std::string bytes;
    bool is_found = true;  // can be found by its bytes
  };

  // tokens: by id. The tokens that can be found have distinct bytes.
  explicit Vocabulary(std::vector<Token> tokens = {});

  [[nodiscard]] std::optional<int32_t> find(std::string_view bytes) const;
  [[nodiscard]] const std::string& bytes(int32_t id) const { return tokens_[static_cast<size_t>(id)].bytes; }
  [[nodiscard]] int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;
  };

  std::vector<Token> tokens_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  uint64_t seed_;            // secret: the file's author cannot make names collide
  size_t longest_bytes_ = 0;
};

}  // namespace moebius::internal
