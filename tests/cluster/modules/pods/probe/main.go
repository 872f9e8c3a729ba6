// Command probe shows, from inside a pod, that what a pod relies on works: names, connections, storage.
//
//	probe connect HOST:PORT   opens a connection and prints what answers first, if it answers unasked
//	probe serve :PORT TEXT    answers every connection with TEXT
//	probe keep FILE TEXT      writes FILE and reads it back
//
// The outcome is printed and left as the termination message; the exit code is 0 or 7.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// failed differs from the codes that the runtime and the shell use themselves.
const failed = 7

func main() {
	message, err := run(os.Args[1:])
	if err != nil {
		message = "failed: " + err.Error()
	}
	fmt.Println(message)
	if err := os.WriteFile("/dev/termination-log", []byte(message), 0o644); err != nil {
		fmt.Println("no termination message:", err)
	}
	if err != nil {
		os.Exit(failed)
	}
}

func run(args []string) (string, error) {
	switch {
	case len(args) == 2 && args[0] == "connect":
		return connect(args[1])
	case len(args) == 3 && args[0] == "serve":
		return "", serve(args[1], args[2])
	case len(args) == 3 && args[0] == "keep":
		return keep(args[1], args[2])
	}
	return "", errors.New("usage: probe connect HOST:PORT | serve :PORT TEXT | keep FILE TEXT")
}

func connect(address string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// A server that speaks first is done at once; one that waits for us, as the API server does, only connects.
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return "", err
	}
	return fmt.Sprintf("connected to %s as uid %d: %q", address, os.Getuid(), text), nil
}

func serve(address, text string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if _, err := io.WriteString(conn, text); err != nil {
			fmt.Println(err)
		}
		conn.Close()
	}
}

func keep(path, text string) (string, error) {
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		return "", err
	}
	back, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("kept %q in %s as uid %d", back, path, os.Getuid()), nil
}
