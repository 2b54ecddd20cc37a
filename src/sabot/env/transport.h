// Messages between workers: a few bytes of header and a body of buffers, in order, in both directions of a connection.
// What they mean is for others to know. Nothing here waits; how much is under way is for the users to bound.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sabot::env {

struct Message {
  std::shared_ptr<arrow::Buffer> header;
  arrow::BufferVector body =
      {};  // One byte after the other; where they are cut may change on the way, alignment is lost.

  int64_t body_bytes() const {
    int64_t bytes = 0;
    for (const auto& buffer : body) bytes += buffer->size();
    return bytes;
  }
};

// One end. Any thread may send and close.
class Connection {
 public:
  // Both are called by one thread at a time, in the order in which the other end acted, and return soon.
  using OnMessage = std::function<void(Message)>;
  // Nothing comes any more: OK, the other end has closed, after all that it had sent; IOError, with the peer's name:
  // the connection broke, and what was under way in either direction may be lost.
  using OnClose = std::function<void(const arrow::Status&)>;

  // Closes. No callback begins once it returns; one that runs may be the caller.
  virtual ~Connection() = default;
  // Whom messages to people name: an address and a path.
  virtual const std::string& peer() const = 0;
  // Called once. What came earlier was kept.
  virtual void Start(OnMessage on_message, OnClose on_close) = 0;
  // Takes the message and returns; the buffers stay unchanged until it has gone. Error (IOError): closed or broken.
  virtual arrow::Status Send(Message message) = 0;
  // The other end hears of it behind what was sent; this end hears nothing any more.
  virtual void Close() = 0;
};

// A worker's way to others. Any thread.
class Transport {
 public:
  using OnConnect = std::function<void(std::unique_ptr<Connection>)>;  // Returns soon.

  virtual ~Transport() = default;
  // Others may connect to this path from now on. Error (AlreadyExists): somebody listens there.
  virtual arrow::Status Listen(const std::string& path, OnConnect on_connect) = 0;
  virtual void StopListening(const std::string& path) = 0;
  // Returns at once; an address or a path where nobody listens shows as a connection that breaks.
  virtual arrow::Result<std::unique_ptr<Connection>> Connect(const std::string& address, const std::string& path) = 0;
};

}  // namespace sabot::env
