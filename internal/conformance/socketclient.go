package main

import "outrider/socketio"

func newSocketIOClient() (server, error) { return socketio.NewServer(socketio.Config{}) }
